package ui

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func patch(t *testing.T, path string, base int64) *Patch {
	t.Helper()
	p, err := OpenPatch(path, base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestPatchAgainstBuffer writes random pieces to a Patch and to a byte slice and
// compares what is read before, after and instead of the commit.
func TestPatchAgainstBuffer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		old := make([]byte, 3000)
		for i := range old {
			old[i] = byte(rnd.Uint32() | 1)
		}
		dir := t.TempDir()
		path := put(t, filepath.Join(dir, "file"), string(old))
		p := patch(t, path, 1000)
		want := append([]byte{}, old...)
		for range 12 {
			piece := bytes.Repeat([]byte{byte(rnd.Uint32())}, rnd.IntN(700))
			off := 1000 + rnd.IntN(4000)
			if _, err := p.WriteAt(piece, int64(off)); err != nil {
				t.Fatal(err)
			}
			if end := off + len(piece); end > len(want) && len(piece) > 0 {
				want = append(want, make([]byte, end-len(want))...)
			}
			copy(want[min(off, len(want)):], piece)
		}
		got, err := io.ReadAll(io.NewSectionReader(p, 0, p.Size()))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: reading ahead of the commit differs (%d bytes, want %d; %v)", seed, len(got), len(want), err)
		}
		if content(t, path) != string(old) {
			t.Fatalf("seed %d: the file changed before the commit", seed)
		}
		if seed%2 == 0 {
			if err := p.finish(); err != nil {
				t.Fatal(err)
			}
			if err := p.withdraw(); err != nil || content(t, path) != string(old) {
				t.Fatalf("seed %d: withdrawing left another file behind (%v)", seed, err)
			}
			continue
		}
		if err := CommitAll(p); err != nil || content(t, path) != string(want) {
			t.Fatalf("seed %d: the committed file differs (%v)", seed, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if got := names(t, dir); got != "file" {
			t.Errorf("the directory holds %q, want only file", got)
		}
	}
}

func TestPatchIsTakenBackWithAnotherOutput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "file"), "0123456789")
	p := patch(t, path, 4)
	if _, err := p.WriteAt([]byte("new and longer"), 4); err != nil {
		t.Fatal(err)
	}
	out := create(t, filepath.Join(dir, "out"), OutputOptions{}, "x")
	put(t, filepath.Join(dir, "out"), "taken")
	if err := CommitAll(p, out); err == nil {
		t.Fatal("CommitAll succeeded, want an error: the name is taken")
	}
	if got := content(t, path); got != "0123456789" {
		t.Errorf("the patched file holds %q, want its old bytes", got)
	}
}

func TestPatchRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none"), os.DevNull} {
		if p, err := OpenPatch(path, 0); err == nil {
			p.Close()
			t.Errorf("OpenPatch(%s) succeeded, want an error", path)
		}
	}
	p := patch(t, put(t, filepath.Join(dir, "file"), "0123456789"), 4)
	if _, err := p.WriteAt([]byte("x"), 3); err == nil {
		t.Error("WriteAt in front of the area succeeded")
	}
}
