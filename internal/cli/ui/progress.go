package ui

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"
)

// ProgressMode says when and how progress is shown.
type ProgressMode string

// The values of --progress.
const (
	ProgressAuto   ProgressMode = "auto"   // a bar, if stderr is a terminal
	ProgressAlways ProgressMode = "always" // a bar, wherever stderr goes
	ProgressNever  ProgressMode = "never"  // nothing
	ProgressJSON   ProgressMode = "json"   // one JSON object a line
)

// progressInterval is how often a bar or a JSON line is renewed. The first one
// appears after it, so that short work shows nothing.
const progressInterval = 250 * time.Millisecond

// Progress counts bytes done and shows them on stderr. Add may be called by any
// number of goroutines; it costs one atomic addition.
type Progress struct {
	title string
	total int64 // bytes; 0 or less: not known
	began time.Time

	done atomic.Int64
	show display // nil: nothing is shown
	quit chan struct{}
	wait sync.WaitGroup
	once sync.Once
}

// display draws one state of a Progress. update is called from one goroutine;
// finish comes last.
type display interface {
	update(done int64)
	finish(done int64, complete bool)
}

// NewProgress starts showing progress of work on total bytes (0: not known) on w.
// The caller ends it with Finish or Close.
func NewProgress(w io.Writer, mode ProgressMode, title string, total int64) *Progress {
	p := &Progress{title: title, total: total, began: time.Now(), quit: make(chan struct{})}
	switch {
	case mode == ProgressJSON:
		p.show = &jsonDisplay{w: w, p: p}
	case mode == ProgressAlways, mode == ProgressAuto && isTerminal(w):
		p.show = &barDisplay{w: w, p: p}
	}
	if p.show != nil {
		p.wait.Go(p.loop)
	}
	return p
}

// Add counts n more bytes as done. A nil p is allowed.
func (p *Progress) Add(n int64) {
	if p != nil {
		p.done.Add(n)
	}
}

// Finish shows the end of work that succeeded.
func (p *Progress) Finish() { p.end(true) }

// Close ends the display of work that was broken off; after Finish it does nothing.
func (p *Progress) Close() { p.end(false) }

func (p *Progress) end(complete bool) {
	p.once.Do(func() {
		close(p.quit)
		p.wait.Wait()
		if p.show != nil {
			p.show.finish(p.done.Load(), complete)
		}
	})
}

func (p *Progress) loop() {
	tick := time.NewTicker(progressInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.show.update(p.done.Load())
		case <-p.quit:
			return
		}
	}
}

// jsonDisplay prints one object a line, and a last one when the work is complete.
type jsonDisplay struct {
	w io.Writer
	p *Progress
}

func (d *jsonDisplay) update(done int64) { d.line(done, false) }

func (d *jsonDisplay) finish(done int64, complete bool) {
	if complete {
		d.line(done, true)
	}
}

func (d *jsonDisplay) line(done int64, complete bool) {
	seconds := time.Since(d.p.began).Seconds()
	fmt.Fprintf(d.w, `{"progress":%q,"done_bytes":%d,"total_bytes":%d,"elapsed_seconds":%.3f,"complete":%t}`+"\n",
		d.p.title, done, max(d.p.total, 0), seconds, complete)
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
