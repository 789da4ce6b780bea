package cpio

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sample is an archive with one of each kind.
func sample(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, err := range []error{
		w.Dir("/dev"),
		w.File("/init", 0o755, 5, strings.NewReader("#!x\n\n")),
		w.File("a/b/c", 0o640, 0, strings.NewReader("")),
		w.File("a/b/d", 0o600, 8, strings.NewReader("8 bytes!")),
		w.Dir("a/b"),
		w.Symlink("sbin/modprobe", "/init"),
		w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// TestEntry compares the first entry with the layout that the kernel documents:
// thirteen fields of eight digits after the magic, the name, both padded to four.
func TestEntry(t *testing.T) {
	t.Parallel()
	want := "070701" + "00000001" + "000041ed" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000004" + "00000000" + "dev\x00\x00\x00"
	if got := string(sample(t)[:len(want)]); got != want {
		t.Errorf("entry of a directory:\n got %q\nwant %q", got, want)
	}
}

func TestAligned(t *testing.T) {
	t.Parallel()
	if n := len(sample(t)); n%4 != 0 {
		t.Errorf("an archive of %d bytes: want a multiple of 4", n)
	}
}

// TestReproducible checks that equal content makes equal bytes.
func TestReproducible(t *testing.T) {
	t.Parallel()
	if !bytes.Equal(sample(t), sample(t)) {
		t.Error("two archives of the same content differ")
	}
}

// TestUnpacked lets cpio unpack two archives one after the other.
func TestUnpacked(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("cpio")
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("cpio is not installed and DMIMG_TEST_REQUIRE=all: %v", err)
		}
		t.Skip("cpio is not installed")
	}
	run := func(dir string, args ...string) string {
		cmd := exec.Command(program, args...)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(sample(t))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("cpio %v: %v", args, err)
		}
		return string(out)
	}
	if got, want := run("", "-it", "--quiet"), "dev\ninit\na\na/b\na/b/c\na/b/d\nsbin\nsbin/modprobe\n"; got != want {
		t.Errorf("cpio -it:\n got %q\nwant %q", got, want)
	}
	dir := t.TempDir()
	run(dir, "-i", "--quiet")
	if got, err := os.ReadFile(filepath.Join(dir, "a/b/d")); err != nil || string(got) != "8 bytes!" {
		t.Errorf("a/b/d is %q, %v", got, err)
	}
	if got, err := os.Readlink(filepath.Join(dir, "sbin/modprobe")); err != nil || got != "/init" {
		t.Errorf("sbin/modprobe is a link to %q, %v", got, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "init")); err != nil || info.Mode() != 0o755 {
		t.Errorf("init has mode %v, %v", info.Mode(), err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		add  func(w *Writer) error
	}{
		{"NUL in a name", func(w *Writer) error { return w.Dir("a\x00b") }},
		{"long name", func(w *Writer) error { return w.Dir(strings.Repeat("a", 4096)) }},
		{"trailer", func(w *Writer) error { return w.File(trailer, 0, 0, nil) }},
		{"file that is a directory", func(w *Writer) error { return w.File("dir", 0, 0, nil) }},
		{"root as a file", func(w *Writer) error { return w.File("/", 0, 0, nil) }},
		{"empty link", func(w *Writer) error { return w.Symlink("link", "") }},
		{"large file", func(w *Writer) error { return w.File("file", 0, 1<<32, nil) }},
		{"negative size", func(w *Writer) error { return w.File("file", 0, -1, nil) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := NewWriter(io.Discard)
			if err := w.Dir("dir"); err != nil {
				t.Fatal(err)
			}
			if err := c.add(w); err == nil {
				t.Error("accepted")
			}
			if err := w.Close(); err != nil {
				t.Errorf("the archive is of no use any more: %v", err)
			}
		})
	}
}

// TestShortFile checks that a file that ends early spoils the archive for good.
func TestShortFile(t *testing.T) {
	t.Parallel()
	w := NewWriter(io.Discard)
	err := w.File("file", 0o644, 10, strings.NewReader("short"))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if got := w.Close(); !errors.Is(got, io.ErrUnexpectedEOF) {
		t.Errorf("Close says %v, want the first error", got)
	}
}
