package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/kmod"
)

func main() {
	if filepath.Base(os.Args[0]) == "modprobe" {
		os.Exit(modprobe(os.Args[1:]))
	}
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "labinit: is /init of a guest and runs as process 1 only")
		os.Exit(1)
	}
	exit, err := boot()
	if err != nil {
		say("failed: %v", err) // and no exit line: the lab sees a guest that ended early
	} else {
		say("exit=%d", exit)
	}
	unix.Sync()
	say("turning off: %v", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
	select {}
}

// say writes a line to the console.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stdout, guest.ConsoleMark+format+"\n", args...)
}

// boot does all that the specification says. It returns the first exit status of
// the commands that is not 0.
func boot() (exit int, err error) {
	if err := mountAll(); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(guest.SpecPath)
	if err != nil {
		return 0, err
	}
	var spec guest.Spec
	if err := json.Unmarshal(text, &spec); err != nil {
		return 0, fmt.Errorf("%s: %w", guest.SpecPath, err)
	}
	if err := prepare(spec); err != nil {
		return 0, err
	}
	port, err := openPort()
	if err != nil {
		return 0, err
	}
	say("ready %d ms", uptime().Milliseconds())
	exit, err = runAll(spec, port)
	if spec.Artifacts {
		err = errors.Join(err, saveArtifacts())
	}
	return exit, errors.Join(err, port.Close())
}

// always are the modules that every guest has; some kernels have them built in.
var always = []string{"virtio_pci", "virtio_console", "virtio_blk", "loop", "dm_mod"}

// prepare makes the machine what commands expect.
func prepare(spec guest.Spec) error {
	if err := setClock(spec.Time); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return err
	}
	index, err := readIndex()
	if err != nil {
		return err
	}
	for _, name := range append(slices.Clone(always), spec.Modules...) {
		if err := index.Load(guest.ModuleDir, name); err != nil {
			return err
		}
	}
	if err := makeControl(); err != nil {
		return err
	}
	if err := linkDisks(); err != nil {
		return err
	}
	if spec.Udev {
		return startUdev()
	}
	return nil
}

func readIndex() (*kmod.Index, error) {
	var text bytes.Buffer
	for _, name := range []string{guest.IndexPath, guest.ExtraIndexPath} {
		part, err := os.ReadFile(name)
		if err != nil && !(name == guest.ExtraIndexPath && errors.Is(err, os.ErrNotExist)) {
			return nil, err
		}
		text.Write(part)
	}
	return kmod.ReadIndex(&text)
}

// modprobe loads what the kernel asks for; it calls "modprobe -q -- NAME".
func modprobe(args []string) int {
	index, err := readIndex()
	if err == nil {
		err = index.Load(guest.ModuleDir, args[max(0, len(args)-1):][0])
	}
	if err != nil {
		return 1
	}
	return 0
}

// uptime is the time since the kernel began.
func uptime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
