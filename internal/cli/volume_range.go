package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
)

// byteRange is a part of a volume as asked for; length -1 means to the end.
type byteRange struct{ offset, length int64 }

func rangeFlags() []urfave.Flag {
	return []urfave.Flag{
		ui.SizeFlag("offset", "start at byte `OFFSET` of the volume (default 0)"),
		ui.SizeFlag("length", "`BYTES` to move (default: to the end)"),
	}
}

func rangeOf(c *urfave.Context) byteRange {
	return byteRange{ui.SizeOf(c, "offset", 0), ui.SizeOf(c, "length", -1)}
}

// within settles the length against the size of the volume.
func (r byteRange) within(size int64) (byteRange, error) {
	if r.offset > size {
		return r, ui.Failf("--offset %d is past the end: the volume has %s", r.offset, ui.FormatSize(size))
	}
	if r.length < 0 {
		r.length = size - r.offset
	}
	if r.length > size-r.offset {
		return r, ui.Failf("--length %d from offset %d is past the end: the volume has %s", r.length, r.offset, ui.FormatSize(size))
	}
	return r, nil
}

func keepGoingFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "keep-going", Usage: "write zeros for what cannot be read, list it on stderr, and exit 3 at the end"}
}

// readFailure is the error to exit with after a read of a volume: 3 for what cannot be read or does not
// authenticate.
func readFailure(err error) error {
	var bad *volume.RangeError
	if errors.As(err, &bad) {
		return &ui.Error{Code: ui.ExitCorrupt, Hint: "--keep-going reads on, with zeros in its place", Err: err}
	}
	return err
}

// listUnreadable writes the ranges that a --keep-going read left as zeros, and returns the error to exit with.
func listUnreadable(w io.Writer, bad []volume.Extent) error {
	if len(bad) == 0 {
		return nil
	}
	var b strings.Builder
	total := int64(0)
	for _, e := range bad {
		fmt.Fprintf(&b, "unreadable %d %d\n", e.Offset, e.Length)
		total += e.Length
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	ranges := "1 range"
	if len(bad) > 1 {
		ranges = fmt.Sprintf("%d ranges", len(bad))
	}
	return ui.Corruptf("%s, %s in all, could not be read and were replaced by zeros", ranges, ui.FormatSize(total))
}

// limitJobs makes the engines use n cores; the function it returns undoes that. 0 leaves all of them.
func limitJobs(n int) (undo func()) {
	if n <= 0 {
		return func() {}
	}
	before := runtime.GOMAXPROCS(n)
	return func() { runtime.GOMAXPROCS(before) }
}

// extents makes an empty list of ranges print as [].
func extents(list []volume.Extent) []volume.Extent {
	if list == nil {
		return []volume.Extent{}
	}
	return list
}
