package ui

import (
	"bytes"
	"encoding/json"
	"sync"
	"testing"
)

func TestProgressJSONEndsWithTheTotal(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := NewProgress(&w, ProgressJSON, "hash", 1000)
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() { p.Add(100) })
	}
	wait.Wait()
	p.Finish()
	p.Close()
	lines := bytes.Split(bytes.TrimSpace(w.Bytes()), []byte("\n"))
	var last struct {
		Progress   string `json:"progress"`
		DoneBytes  int64  `json:"done_bytes"`
		TotalBytes int64  `json:"total_bytes"`
		Complete   bool   `json:"complete"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil {
		t.Fatalf("last line %q: %v", lines[len(lines)-1], err)
	}
	if last.Progress != "hash" || last.DoneBytes != 1000 || last.TotalBytes != 1000 || !last.Complete {
		t.Errorf("last line %+v, want 1000 of 1000 bytes, complete", last)
	}
}

func TestProgressIsSilent(t *testing.T) {
	t.Parallel()
	for _, mode := range []ProgressMode{ProgressAuto, ProgressNever} {
		var w bytes.Buffer
		p := NewProgress(&w, mode, "hash", 10)
		p.Add(10)
		p.Finish()
		if w.Len() != 0 {
			t.Errorf("mode %s wrote %q to something that is no terminal", mode, w.String())
		}
	}
	var none *Progress
	none.Add(1) // allowed
}

func TestProgressBar(t *testing.T) {
	t.Parallel()
	for total, want := range map[int64]string{0: "1.0 MiB", 1 << 20: "100 %"} {
		var w bytes.Buffer
		p := NewProgress(&w, ProgressAlways, "hash", total)
		p.show.update(1 << 19) // as after the first interval
		p.Add(1 << 20)
		p.Finish()
		if !bytes.Contains(w.Bytes(), []byte("hash")) || !bytes.Contains(w.Bytes(), []byte(want)) {
			t.Errorf("total %d: the bar wrote %q, want title and %q", total, w.String(), want)
		}
	}
}

func TestProgressBarOfBrokenWorkLeavesTheScreen(t *testing.T) {
	t.Parallel()
	var w bytes.Buffer
	p := NewProgress(&w, ProgressAlways, "hash", 1<<20)
	p.show.update(1 << 19)
	p.Close() // returns although the work is not complete
	p.Add(1)
}
