package dmsetup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

// Host is what a run asks of the machine. The zero value is this machine.
type Host struct {
	System kernel.System            // nil: [kernel.Machine]
	SysDir string                   // where sysfs is; "": /sys
	Getenv func(name string) string // nil: os.Getenv

	after func(time.Duration) <-chan time.Time // nil: time.After
}

func (h Host) filled() Host {
	if h.System == nil {
		h.System = kernel.Machine()
	}
	if h.SysDir == "" {
		h.SysDir = "/sys"
	}
	if h.Getenv == nil {
		h.Getenv = os.Getenv
	}
	if h.after == nil {
		h.after = time.After
	}
	return h
}

// tool is one run.
type tool struct {
	ui.Streams
	*commandLine
	ctx  context.Context
	host Host

	control  *kernel.Control // opened when it is first needed
	mangling kernel.Mangling
	devDir   string // /dev
}

// Run runs dmsetup with args, the words after its name, and returns its exit status, 0 or
// 1. Data go to s.Out, words to s.Err; tables that are not given are read from s.In.
func Run(ctx context.Context, args []string, s ui.Streams, h Host) int {
	t := &tool{Streams: s, ctx: ctx, host: h.filled(), devDir: "/dev"}
	err := t.main(args)
	if t.control != nil {
		err = errors.Join(err, t.control.Close())
	}
	return t.report(err)
}

// report says why it failed.
func (t *tool) report(err error) int {
	var wrongUse usageError
	var wrongLine commandLineError
	var wrongReport reportError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errShowFields):
		fmt.Fprint(t.Err, fieldHelp())
		return 0
	case errors.As(err, &wrongUse):
		if wrongUse.text != "" {
			fmt.Fprintln(t.Err, wrongUse.text)
		}
		fmt.Fprint(t.Err, usageText())
	case errors.As(err, &wrongLine):
		fmt.Fprintf(t.Err, "%s\nCouldn't process command line.\n", wrongLine.text)
	case errors.As(err, &wrongReport):
		fmt.Fprintln(t.Err, wrongReport.text)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(t.Err, "Interrupted.")
	default:
		if text := strings.TrimLeft(err.Error(), "\n"); text != "" {
			fmt.Fprintln(t.Err, text)
		}
		fmt.Fprintln(t.Err, "Command failed.")
	}
	return 1
}

// main reads the command line and runs the verb.
func (t *tool) main(args []string) (err error) {
	if t.commandLine, err = parse(args); err != nil {
		return err
	}
	if err := t.readOptions(); err != nil {
		return err
	}
	switch {
	case t.has("help"):
		return t.help(nil)
	case t.has("version"):
		return t.version(nil)
	case len(t.words) == 0:
		return usageError{}
	}
	name, args := t.words[0], t.words[1:]
	c, ok := findCommand(name)
	if !ok {
		return errUnknownCommand
	}
	if err := t.checkFields(name); err != nil {
		return err
	}
	if len(args) < c.least || c.most != unlimited && len(args) > c.most {
		return errArguments
	}
	return c.run(t, args)
}

// readOptions checks what does not depend on the verb.
func (t *tool) readOptions() error {
	if dir := t.host.Getenv("DM_DEV_DIR"); strings.HasPrefix(dir, "/") {
		t.devDir = strings.TrimRight(dir, "/")
	}
	mode := t.host.Getenv("DM_DEFAULT_NAME_MANGLING_MODE")
	if t.has("manglename") {
		mode = t.values["manglename"]
	}
	switch strings.ToLower(mode) {
	case "", "auto":
		t.mangling = kernel.MangleAuto
	case "none":
		t.mangling = kernel.MangleNone
	case "hex":
		t.mangling = kernel.MangleHex
	default:
		return lineError("Unknown name mangling mode.")
	}
	switch {
	case t.has("table") && t.has("notable"):
		return lineError("--table and --notable are incompatible.")
	case t.has("addnodeonresume") && t.has("addnodeoncreate"):
		return lineError("--addnodeonresume and --addnodeoncreate are incompatible.")
	case t.has("major") != t.has("minor"):
		return lineError("Please specify both major number and minor number.")
	case t.has("interval") && atoi(t.values["interval"]) <= 0:
		return lineError("Interval must be a positive integer.")
	}
	if t.has("mode") {
		if _, err := strconv.ParseUint(t.values["mode"], 8, 12); err != nil {
			return lineError("Invalid argument for --mode: %s. Want an octal number.", t.values["mode"])
		}
	}
	return nil
}

// atoi is C's: the number that s begins with, 0 if there is none.
func atoi(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 32)
	return int(n)
}

// open opens the control device when it is first needed. Names are mangled here and not
// by the Control, because the output depends on what the kernel has.
func (t *tool) open() (*kernel.Control, error) {
	if t.control != nil {
		return t.control, nil
	}
	o := kernel.Options{Dir: t.nodeDir(), System: t.host.System, Mangling: kernel.MangleNone}
	if t.host.Getenv("DM_DISABLE_UDEV") != "" {
		o.Udev = kernel.UdevOff
	}
	c, err := kernel.Open(o)
	if err != nil {
		return nil, failf("%s/control: open failed: %s\nThe kernel's device-mapper cannot be reached: is the module dm_mod loaded, and is this root?",
			t.nodeDir(), strerror(err))
	}
	t.control = c
	return c, nil
}

// nodeDir is where the nodes of devices are.
func (t *tool) nodeDir() string { return t.devDir + "/mapper" }

// printf writes data.
func (t *tool) printf(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }

// sayf writes words that do not end the run.
func (t *tool) sayf(format string, args ...any) { fmt.Fprintf(t.Err, format+"\n", args...) }
