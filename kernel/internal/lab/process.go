package lab

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// outputFd is the descriptor that QEMU writes the commands' output to: the first
// after the standard ones.
const outputFd = 3

// process is one run of QEMU.
type process struct {
	args   []string
	live   io.Writer // may be nil
	output bytes.Buffer
	stderr bytes.Buffer
}

// run starts QEMU and waits for its end, which comes at the latest with that of
// ctx, or of this program.
func (p *process) run(ctx context.Context) error {
	path, err := findProgram(qemuProgram)
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, path, p.args...)
	cmd.Stderr = &p.stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.WaitDelay = 5 * time.Second
	endWithParent(cmd)

	// The kernel ends the child when the thread that started it does.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Start()
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	copied := make(chan error, 1)
	go func() { copied <- p.copyOutput(r) }()
	err = cmd.Wait()
	if lost := <-copied; err == nil {
		err = lost
	}
	return err
}

// copyOutput collects the output until the last writer has closed it.
func (p *process) copyOutput(r io.Reader) error {
	if p.live == nil {
		_, err := p.output.ReadFrom(r)
		return err
	}
	_, err := io.Copy(io.MultiWriter(&p.output, p.live), r)
	if err != nil { // the caller's writer failed: QEMU must not wait for it
		_, _ = p.output.ReadFrom(r)
	}
	return err
}
