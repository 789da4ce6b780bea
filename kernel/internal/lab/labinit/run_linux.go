package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// environment is what all commands have.
func environment(udev bool) []string {
	env := []string{
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp", "LC_ALL=C", "TERM=dumb",
		guest.EnvInside + "=1",
	}
	if !udev {
		env = append(env, "DM_DISABLE_UDEV=1")
	}
	return env
}

// openPort opens the port that the host reads. Which device that is, sysfs says.
func openPort() (*os.File, error) {
	names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		if name, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(name)) == guest.Port {
			return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(file)), os.O_WRONLY, 0)
		}
	}
	return nil, fmt.Errorf("no virtio port %s", guest.Port)
}

// runAll runs the commands. It returns the first exit status that is not 0.
func runAll(spec guest.Spec, port io.Writer) (exit int, err error) {
	// exec.LookPath asks the environment of this process.
	for _, v := range environment(spec.Udev) {
		name, value, _ := strings.Cut(v, "=")
		if err := os.Setenv(name, value); err != nil {
			return 0, err
		}
	}
	for i, c := range spec.Commands {
		if err := guest.WriteBegin(port, i); err != nil {
			return exit, err
		}
		start := time.Now()
		status := run(c, port)
		if err := guest.WriteEnd(port, i, status, time.Since(start)); err != nil {
			return exit, err
		}
		if exit == 0 {
			exit = status
		}
	}
	return exit, nil
}

// run runs one command and returns its exit status, as a shell gives it.
func run(c guest.Command, output io.Writer) int {
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Env = append(os.Environ(), c.Env...)
	cmd.Dir = c.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/tmp"
	}
	if err := os.MkdirAll(cmd.Dir, 0o755); err != nil {
		fmt.Fprintf(output, "labinit: %v\n", err)
		return 127
	}
	cmd.Stdout, cmd.Stderr = output, output
	cmd.WaitDelay = 2 * time.Second // for daemons that keep its output open
	err := cmd.Run()
	exited, ok := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0
	case !ok:
		fmt.Fprintf(output, "labinit: %v\n", err)
		return 127
	}
	if status, ok := exited.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		fmt.Fprintf(output, "labinit: %s: %v\n", c.Path, status.Signal())
		return 128 + int(status.Signal())
	}
	return exited.ExitCode()
}
