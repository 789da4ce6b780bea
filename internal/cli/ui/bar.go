package ui

import (
	"io"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// barDisplay draws one bar with rate and time left. It starts with the first
// update, so work shorter than one interval draws nothing.
type barDisplay struct {
	w   io.Writer
	p   *Progress
	box *mpb.Progress
	bar *mpb.Bar
}

func (d *barDisplay) update(done int64) {
	if d.bar == nil {
		d.start()
	}
	d.bar.SetCurrent(done)
}

func (d *barDisplay) finish(done int64, complete bool) {
	if d.bar == nil {
		return
	}
	d.bar.SetCurrent(done)
	if complete {
		d.bar.SetTotal(done, true)
	}
	d.bar.Abort(!complete) // does nothing to a completed bar
	d.box.Wait()
}

func (d *barDisplay) start() {
	d.box = mpb.New(mpb.WithOutput(d.w), mpb.WithAutoRefresh(), mpb.WithWidth(64))
	name := mpb.PrependDecorators(decor.Name(d.p.title, decor.WCSyncSpaceR))
	rate := decor.NewAverageSpeed(decor.SizeB1024(0), "% .1f", d.p.began)
	if d.p.total <= 0 {
		d.bar = d.box.AddSpinner(0, name, mpb.AppendDecorators(decor.CurrentKibiByte("% .1f"), decor.Name(" "), rate))
		return
	}
	d.bar = d.box.AddBar(d.p.total, name, mpb.AppendDecorators(
		decor.Percentage(decor.WC{W: 5}), decor.Name(" "), rate, decor.Name(" "),
		decor.NewAverageETA(decor.ET_STYLE_GO, d.p.began, nil)))
}
