package lab

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bzImage packs payload as the build of a kernel does.
func bzImage(payload []byte) []byte {
	image := make([]byte, 5*512+16)
	image[setupSectors] = 4
	copy(image[setupMagic:], "HdrS")
	binary.LittleEndian.PutUint16(image[setupVersion:], 0x20f)
	binary.LittleEndian.PutUint32(image[payloadOffset:], 16)
	binary.LittleEndian.PutUint32(image[payloadLength:], uint32(len(payload)))
	return append(append(image, payload...), "what follows"...)
}

// kernelText is an ELF file as far as the lab looks, with parts that repeat and
// parts that do not.
func kernelText() []byte {
	random := rand.New(rand.NewPCG(1, 2))
	text := append([]byte{}, magicELF...)
	for len(text) < 9<<20 { // more than one block of lz4
		if random.IntN(2) == 0 {
			text = append(text, bytes.Repeat([]byte{byte(random.Uint32())}, random.IntN(1000))...)
		}
		for range random.IntN(100) {
			text = append(text, byte(random.Uint32()))
		}
	}
	return text
}

// TestWriteImage packs with the real programs, in the forms that Debian uses.
func TestWriteImage(t *testing.T) {
	t.Parallel()
	text := kernelText()
	for _, c := range []struct {
		name string
		args []string
	}{
		{"xz", []string{"-c", "-0", "--check=crc32"}},
		{"zstd", []string{"-cq", "-1"}},
		{"lz4", []string{"-lcq"}},
		{"gzip", []string{"-c1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			payload := packed(t, c.name, c.args, text)
			if c.name != "gzip" {
				payload = binary.LittleEndian.AppendUint32(payload, uint32(len(text)))
			}
			dir := t.TempDir()
			if err := writeImage(t.Context(), bzImage(payload), dir); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, elfFile)); err != nil || !bytes.Equal(got, text) {
				t.Errorf("unpacked %d bytes, %v, want the %d that were packed", len(got), err, len(text))
			}
		})
	}
}

func packed(t *testing.T, name string, args []string, text []byte) []byte {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" && packages[name] != "" {
			t.Fatalf("%s is not installed and DMIMG_TEST_REQUIRE=all: %v", name, err)
		}
		t.Skip(name + " is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWriteImageRefuses(t *testing.T) {
	t.Parallel()
	var notELF bytes.Buffer
	w := gzip.NewWriter(&notELF)
	w.Write([]byte("a script"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	old := bzImage(make([]byte, 8))
	binary.LittleEndian.PutUint16(old[setupVersion:], 0x204)
	outside := bzImage(make([]byte, 8))
	binary.LittleEndian.PutUint32(outside[payloadLength:], 1<<32-1)
	for _, c := range []struct {
		name, want string
		image      []byte
	}{
		{"empty", "setup header", nil},
		{"text", "setup header", bytes.Repeat([]byte("text"), 1000)},
		{"old protocol", "boot protocol 0x204", old},
		{"payload outside", "not inside", outside},
		{"unknown compression", "unknown compression", bzImage([]byte("12345678"))},
		{"not ELF", "not an ELF file", bzImage(notELF.Bytes())},
		{"cut lz4", "lz4", bzImage(append(append([]byte{}, magicLZ4...), "1234567890"...))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := writeImage(t.Context(), c.image, t.TempDir()); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// TestUnpackLZ4 takes blocks made by hand from the format description.
func TestUnpackLZ4(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, block, want string
	}{
		{"literals", "\x30abc", "abc"},
		{"copy that overlaps", "\x1aa\x01\x00\x10b", "aaaaaaaaaaaaaaab"},
		{"long literals", "\xf0\x01" + strings.Repeat("x", 16), strings.Repeat("x", 16)},
		{"long copy", "\x1fa\x01\x00\xff\x00\x10b", strings.Repeat("a", 1+4+15+255) + "b"},
		{"no literals at the end", "\x1aa\x01\x00\x00", strings.Repeat("a", 15)},
		{"empty", "", "refused"},
		{"offset 0", "\x1aa\x00\x00\x10b", "refused"},
		{"offset before the block", "\x1aa\x02\x00\x10b", "refused"},
		{"literals cut", "\x30ab", "refused"},
		{"offset cut", "\x1aa\x01", "refused"},
		{"length cut", "\x1fa\x01\x00\xff", "refused"},
	} {
		got, err := appendLZ4(nil, []byte(c.block))
		if err != nil {
			got = []byte("refused")
		}
		if string(got) != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add(bzImage([]byte("\x02\x21\x4c\x18\x04\x00\x00\x00\x30abc\x00\x00\x00\x00")))
	f.Add(bzImage([]byte("\x02\x21\x4c\x18\x07\x00\x00\x00\x1aa\x01\x00\x10b\x00\x00\x00\x00")))
	f.Fuzz(func(t *testing.T, image []byte) {
		payload, err := imagePayload(image)
		if err != nil || !bytes.HasPrefix(payload, magicLZ4) {
			return
		}
		if text, err := unpackLZ4(payload); err == nil && len(text) > len(payload)/4*lz4Block+lz4Block {
			t.Errorf("%d bytes became %d", len(payload), len(text))
		}
	})
}
