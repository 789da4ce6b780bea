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
	path   string
	args   []string
	live   io.Writer // may be nil
	output bytes.Buffer
	stderr bytes.Buffer
	lost   error // of live
}

// run starts QEMU and waits for its end, which comes at the latest with that of
// ctx, or of this program.
func (p *process) run(ctx context.Context) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, p.path, p.args...)
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
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		p.copyOutput(r)
	}()
	err = cmd.Wait()
	<-copied
	return err
}

// copyOutput collects the output until the last writer has closed it. A caller's
// writer that fails does not stop it: QEMU must not wait.
func (p *process) copyOutput(r io.Reader) {
	var w io.Writer = &p.output
	if p.live != nil {
		w = io.MultiWriter(&p.output, p.live)
	}
	if _, p.lost = io.Copy(w, r); p.lost != nil {
		_, _ = p.output.ReadFrom(r)
	}
}
