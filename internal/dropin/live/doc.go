// Package live is what the tools share for mapped devices: the machine where they are, files
// as block devices, words that name a device, and the action close.
//
//	err := machine.With(exit.Device, func(s *live.Session) error {
//		return live.Close{Tool: "veritysetup", Word: "root"}.Do(ctx, s, streams)
//	})
//
// What is said and which status is returned follow version 2.6.1 of the tools.
package live
