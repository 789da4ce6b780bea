// Command dmimg reads, makes, checks and copies block images that Linux describes
// with device-mapper tables, without the kernel and without root.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/dmimg/dmimg/internal/cli"
)

func main() { os.Exit(run()) }

// run lets the first signal cancel the work, so that unfinished outputs are
// removed; a second one ends the program at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Main(ctx, os.Args, os.Stdin, os.Stdout, os.Stderr)
}
