package bench

import (
	"os"
	"testing"
)

func TestWatchPeak(t *testing.T) {
	t.Parallel()
	stop := watchPeak(os.Getpid())
	if got := stop(); got < 1<<20 || got > 1<<40 {
		t.Errorf("watchPeak of this process: got %d bytes, want more than a MiB", got)
	}
	const none = 1 << 30 // larger than any process number
	if got := watchPeak(none)(); got != 0 {
		t.Errorf("watchPeak of a process that is not there: got %d bytes, want 0", got)
	}
}
