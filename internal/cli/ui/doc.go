// Package ui holds what every verb of the command line shares: exit codes and
// hints, sizes with suffixes, JSON output, progress on stderr, key files and the
// prompt, inputs, and outputs that appear whole or not at all.
//
// A verb looks like this:
//
//	in, err := ui.OpenInput(ctx, path, streams.In)
//	if err != nil {
//		return err
//	}
//	defer in.Close()
//	out, err := ui.CreateOutput(outPath, ui.OutputOptions{Force: force})
//	if err != nil {
//		return err
//	}
//	defer out.Close() // removes the temporary file unless committed
//	…
//	return ui.CommitAll(out)
//
// It does not know any image format, and it does not exit: main does.
package ui
