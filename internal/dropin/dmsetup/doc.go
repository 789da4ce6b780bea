// Package dmsetup speaks the command line of dmsetup 1.02.185 over package kernel: the
// same verbs and options, the same output and exit statuses, so that scripts run
// unchanged.
//
//	code := dmsetup.Run(ctx, os.Args[1:], streams, dmsetup.Host{})
//
// It follows dmsetup(8). What the manual leaves open (the order of columns, where blanks
// stand, what an error says) was found by running dmsetup on live kernels; the README
// lists what differs on purpose. commands.go is the list of verbs; getopt.go is
// the grammar, device.go finds the devices that are meant, report.go, fields.go,
// columns.go and selection.go make the columns of info -c.
//
// It does not speak dmstats.
package dmsetup
