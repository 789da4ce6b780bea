package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
)

const usage = `usage: lab smoke [-kernel K]
       lab full  [-kernels K,K] [-only TEXT] [-artifacts DIR] [-v]
       lab test  [flags] PACKAGE [TEST-FLAG…]
       lab run   [flags] -- PROGRAM [ARGUMENT…]
       lab fetch [-update] [-extra] [KERNEL…]
Flags of test and run: lab test -h`

// errUsage is a wrong command line, errFailed a run that said why already.
var (
	errUsage  = errors.New(usage)
	errFailed = errors.New("failed")
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := dispatch(ctx, os.Args[1:])
	switch {
	case err == nil:
		return
	case errors.Is(err, errUsage), errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	case errors.Is(err, lab.ErrMissing) && !required():
		fmt.Printf("lab: skipped 1 of 1: %v\n", err)
		return
	case !errors.Is(err, errFailed):
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	verbs := map[string]func(context.Context, []string) error{
		"smoke": smoke, "full": full, "test": test, "run": run, "fetch": fetch,
	}
	verb, ok := verbs[args[0]]
	if !ok {
		return errUsage
	}
	return verb(ctx, args[1:])
}

// machineFlags are the flags for what to boot.
func machineFlags(name string, cfg *lab.Config) (set *flag.FlagSet, parse func([]string) error) {
	set = flag.NewFlagSet("lab "+name, flag.ContinueOnError)
	set.StringVar(&cfg.Kernel, "kernel", lab.DefaultKernel, "kernel: "+strings.Join(lab.Kernels(), ", "))
	set.BoolVar(&cfg.Udev, "udev", false, "with systemd-udevd and the rules of device-mapper")
	set.IntVar(&cfg.CPUs, "cpus", 1, "number of processors")
	set.IntVar(&cfg.MemoryMiB, "memory", 512, "memory in MiB")
	set.DurationVar(&cfg.Timeout, "timeout", lab.DefaultTimeout, "the longest that it may run")
	set.StringVar(&cfg.Artifacts, "artifacts", "", "folder for what commands leave in /lab/out")
	set.BoolVar(&cfg.Extra, "extra", false, "with modules that Debian's kernels lack, built from source")
	tools := set.String("tools", "dmsetup", "programs of this machine to have inside, with commas between")
	modules := set.String("modules", "", "kernel modules to load, with commas between")
	return set, func(args []string) error {
		if err := set.Parse(args); err != nil {
			return err
		}
		cfg.Tools, cfg.Modules = list(*tools), list(*modules)
		return nil
	}
}

// list takes words with commas between apart.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// run runs one program inside.
func run(ctx context.Context, args []string) error {
	var cfg lab.Config
	set, parse := machineFlags("run", &cfg)
	if err := parse(args); err != nil {
		return err
	}
	if set.NArg() == 0 {
		return errUsage
	}
	cfg.Commands = []lab.Command{{Path: set.Arg(0), Args: set.Args()[1:]}}
	if info, err := os.Stat(set.Arg(0)); err == nil && info.Mode().IsRegular() {
		inside := "/lab/bin/" + filepath.Base(set.Arg(0)) // a static program of this machine
		cfg.Files = map[string]string{inside: set.Arg(0)}
		cfg.Commands[0].Path = inside
	}
	result, err := lab.Run(ctx, cfg)
	if err != nil {
		return err
	}
	os.Stdout.Write(result.Commands[0].Output)
	fmt.Fprintf(os.Stderr, "lab: Linux %s, image %v, boot %v, in all %v: exit status %d\n", result.Release,
		round(result.Prepare), round(result.Boot), round(result.Elapsed), result.Exit)
	if result.Exit != 0 {
		return errFailed
	}
	return nil
}

// fetch fills the cache.
func fetch(ctx context.Context, args []string) error {
	set := flag.NewFlagSet("lab fetch", flag.ContinueOnError)
	update := set.Bool("update", false, "fetch the newest build even if another one is there")
	extra := set.Bool("extra", false, "also build the modules that Debian's kernels lack")
	if err := set.Parse(args); err != nil {
		return err
	}
	kernels := set.Args()
	if len(kernels) == 0 {
		kernels = lab.Kernels()
	}
	for _, kernel := range kernels {
		start := time.Now()
		release, err := lab.Fetch(ctx, kernel, *update)
		if err != nil {
			return err
		}
		if *extra {
			if err := lab.FetchExtra(ctx, kernel); err != nil {
				return err
			}
		}
		fmt.Printf("lab: kernel %s is %s (%v)\n", kernel, release, round(time.Since(start)))
	}
	return nil
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

// required reports whether what is missing is a failure.
func required() bool { return os.Getenv("DMIMG_TEST_REQUIRE") == "all" }
