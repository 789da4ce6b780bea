package lab

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(h.Name))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := w.Write([]byte(h.Name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), make([]byte, 4096)...) // the rest of the disk
}

func TestUnpackArtifacts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := archive(t, tar.Header{Name: "a/", Typeflag: tar.TypeDir}, tar.Header{Name: "a/b", Typeflag: tar.TypeReg},
		tar.Header{Name: "c/d", Typeflag: tar.TypeReg})
	if err := unpackArtifacts(bytes.NewReader(data), dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a/b", "c/d"} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestUnpackArtifactsInside refuses whatever leaves the folder.
func TestUnpackArtifactsInside(t *testing.T) {
	t.Parallel()
	for _, h := range []tar.Header{
		{Name: "../outside", Typeflag: tar.TypeReg},
		{Name: "a/../../outside", Typeflag: tar.TypeReg},
		{Name: "../outside/", Typeflag: tar.TypeDir},
		{Name: "link", Linkname: "/", Typeflag: tar.TypeSymlink},
		{Name: "node", Typeflag: tar.TypeBlock},
	} {
		dir := filepath.Join(t.TempDir(), "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := unpackArtifacts(bytes.NewReader(archive(t, h)), dir); err == nil {
			t.Errorf("%s: accepted", h.Name)
		}
		if _, err := os.Lstat(filepath.Join(dir, "..", "outside")); err == nil {
			t.Errorf("%s: a file outside of the folder", h.Name)
		}
	}
}

func FuzzUnpackArtifacts(f *testing.F) {
	f.Add(archive(f, tar.Header{Name: "../x", Typeflag: tar.TypeReg}, tar.Header{Name: "a/b", Typeflag: tar.TypeReg}))
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := filepath.Join(t.TempDir(), "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		_ = unpackArtifacts(bytes.NewReader(data), dir)
		left, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(left) != 1 {
			t.Errorf("outside of the folder: %v, %v", left, err)
		}
	})
}
