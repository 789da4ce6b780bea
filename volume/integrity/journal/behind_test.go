package journal_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/volume/integrity/journal"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// behind is the corpus of testdata/behind, as seen from testdata/images.
const behind = "../../volume/integrity/journal/testdata/behind"

// TestBehind reads volumes whose data area is behind their journal, which shows
// what a kernel read only with the journal, and after a replay without it.
func TestBehind(t *testing.T) {
	t.Parallel()
	cases := volumetest.Cases(t, behind)
	if len(cases) < 6 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			paths := c.Paths(dir)
			var meta storage
			if path, ok := paths["7:1"]; ok {
				meta = image(t, path)
			}
			d := openDevice(t, c.Tables["m"][0], image(t, paths["7:0"]), meta)
			want := image(t, filepath.Join(dir, "plain.img"))
			o, err := d.overlay(t)
			if err != nil {
				t.Fatal(err)
			}
			got, bad := d.content(t, nil)
			if bytes.Equal(got, want) || len(bad) != o.Len() || len(bad) < 3 {
				t.Errorf("without the journal %d blocks do not fit their tags, and %d are in it", len(bad), o.Len())
			}
			if got, _ := d.content(t, o); !bytes.Equal(got, want) {
				t.Error("with the journal the content differs from what the kernel read")
			}
			replayTwice(t, d)
			if got, _ := d.content(t, nil); !bytes.Equal(got, want) {
				t.Error("after a replay the content differs from what the kernel read")
			}
		})
	}
}

// replayTwice replays, and once more, which finds nothing to do.
func replayTwice(t *testing.T, d *device) {
	t.Helper()
	j, err := journal.New(d.config)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if err := j.Replay(t.Context(), d.meta, d); err != nil {
		t.Fatal(err)
	}
	o, err := j.ReadOverlay(t.Context(), d.meta)
	if err != nil || o.Len() != 0 {
		t.Fatalf("after a replay: %v, %d blocks", err, o.Len())
	}
	if err := j.Replay(t.Context(), d.meta, d); err != nil {
		t.Fatal(err)
	}
}
