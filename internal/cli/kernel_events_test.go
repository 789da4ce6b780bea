package cli_test

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// streaming runs a kernel verb in the background. next gives its lines, and wait its exit status.
func streaming(ctx context.Context, args ...string) (next func() string, wait func() (int, string)) {
	r, w := io.Pipe()
	var stderr strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, append([]string{"kernel"}, args...), strings.NewReader(""), w, &stderr)
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	next = func() string {
		if !lines.Scan() {
			return "(the end)"
		}
		return lines.Text()
	}
	return next, func() (int, string) { return <-code, stderr.String() }
}

// TestKernelEvents prints changes as they happen, and ends after --count of them.
func TestKernelEvents(t *testing.T) {
	t.Parallel()
	k, ctx, dir := newFakeKernel(t, kerneltest.Options{})
	kernelStep{args: "create-and-load a --uuid UUID-1 --table DIR/linear"}.run(t, ctx, dir)
	next, wait := streaming(ctx, "events", "--count", "4")
	for _, c := range []struct {
		do   func()
		want string
	}{
		{func() {}, "present a 253:0 0 UUID-1"},
		{func() { k.Event("a") }, "changed a 253:0 1 UUID-1"},
		{func() { kernelStep{args: "create b"}.run(t, ctx, dir) }, "added b 253:1 0 -"},
		{func() { kernelStep{args: "rename b c"}.run(t, ctx, dir) }, "renamed c 253:1 0 - b"},
		{func() { kernelStep{args: "remove c"}.run(t, ctx, dir) }, "removed c 253:1 0 -"},
		{func() {}, "(the end)"},
	} {
		c.do()
		if got := next(); got != c.want {
			t.Fatalf("line %q, want %q", got, c.want)
		}
	}
	if code, stderr := wait(); code != 0 || stderr != "" {
		t.Errorf("exit status %d, %q", code, stderr)
	}
}

// TestKernelEventsInterrupted shows that an interrupt is the ordinary end.
func TestKernelEventsInterrupted(t *testing.T) {
	t.Parallel()
	k, ctx, dir := newFakeKernel(t, kerneltest.Options{})
	kernelStep{args: "create-and-load a --table DIR/linear"}.run(t, ctx, dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	next, wait := streaming(ctx, "events", "--json")
	if got, want := next(), `{"kind":"present","name":"a","major":253,"minor":0,"event_number":0}`; got != want {
		t.Errorf("line %s, want %s", got, want)
	}
	k.Event("a")
	if got, want := next(), `{"kind":"changed","name":"a","major":253,"minor":0,"event_number":1}`; got != want {
		t.Errorf("line %s, want %s", got, want)
	}
	cancel()
	if got := next(); got != "(the end)" {
		t.Errorf("line %q after the interrupt", got)
	}
	if code, stderr := wait(); code != 0 || stderr != "" {
		t.Errorf("exit status %d, %q", code, stderr)
	}
}

// TestKernelWait waits for an event, for one that has been, and for a device that is removed.
func TestKernelWait(t *testing.T) {
	t.Parallel()
	k, ctx, dir := newFakeKernel(t, kerneltest.Options{})
	kernelStep{args: "create-and-load a --table DIR/linear"}.run(t, ctx, dir)
	next, wait := streaming(ctx, "wait", "a", "0")
	k.Event("a")
	if got := next(); got != "1" {
		t.Errorf("event number %q, want 1", got)
	}
	if code, stderr := wait(); code != 0 {
		t.Errorf("exit status %d, %q", code, stderr)
	}
	kernelStep{args: "wait a 0", stdout: "1\n"}.run(t, ctx, dir)
	kernelStep{args: "wait a 7 --json", has: []string{`"event_number": 1`, `"target": "linear"`}}.run(t, ctx, dir)
	kernelStep{args: "wait b", code: 1, stderr: []string{"not found", "hint: dmimg kernel ls"}}.run(t, ctx, dir)
	_, wait = streaming(ctx, "wait", "a", "1")
	k.Vanish("a")
	_ = k.RemoveNode("/dev/mapper/a") // nobody is left to do it
	if code, stderr := wait(); code != 1 || !strings.Contains(stderr, "not found") {
		t.Errorf("exit status %d, %q after the device went", code, stderr)
	}
}

// TestKernelWaitInterrupted shows that a wait can be ended.
func TestKernelWaitInterrupted(t *testing.T) {
	t.Parallel()
	_, ctx, dir := newFakeKernel(t, kerneltest.Options{})
	kernelStep{args: "create-and-load a --table DIR/linear"}.run(t, ctx, dir)
	ctx, cancel := context.WithCancel(ctx)
	_, wait := streaming(ctx, "wait", "a")
	cancel()
	if code, stderr := wait(); code != 1 || stderr != "dmimg: interrupted\n" {
		t.Errorf("exit status %d, %q", code, stderr)
	}
}
