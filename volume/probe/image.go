package probe

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const sector = 512

// headSize is read once, because nearly every signature lies within it.
const headSize = 72 << 10

// maxRead bounds every single read; the largest thing a format may ask for is a LUKS2 header of 4 MiB.
const maxRead = 4 << 20

// image is the range of bytes being probed. Offsets given to its methods count from the start of the range.
type image struct {
	r    io.ReaderAt
	base int64 // where the range starts in r
	size int64
	head []byte
	err  error // the first read that failed
}

// at returns the n bytes at off, or nil when they do not all lie in the image or cannot be read. The slice
// must not be changed.
func (im *image) at(off int64, n int) []byte {
	if off < 0 || n <= 0 || n > maxRead || off > im.size || int64(n) > im.size-off {
		return nil
	}
	if im.head == nil {
		im.head = im.read(0, int(min(im.size, headSize)))
		if im.head == nil { // a bad sector somewhere in it: read piecemeal
			im.head = []byte{}
		}
	}
	if end := off + int64(n); end <= int64(len(im.head)) {
		return im.head[off:end:end]
	}
	return im.read(off, n)
}

// ReadAt makes the image a source for the parsers of other packages. What cannot be read is the end of the image to
// them, so that they use what else there is; that it cannot be read is remembered.
func (im *image) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= im.size {
		return 0, io.EOF
	}
	n := copy(p, im.at(off, int(min(int64(len(p)), im.size-off))))
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// has says whether the bytes at off are magic.
func (im *image) has(off int64, magic string) bool {
	return string(im.at(off, len(magic))) == magic
}

func (im *image) read(off int64, n int) []byte {
	b := make([]byte, n)
	got, err := im.r.ReadAt(b, im.base+off)
	if got == n {
		return b
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	if im.err == nil && !errors.Is(err, io.EOF) {
		im.err = fmt.Errorf("%d bytes at offset %d: %w", n, im.base+off, err)
	}
	return nil
}

// layer starts the description of a layer at byte off of the image that goes on to the image's end.
func (im *image) layer(kind string, off int64) *Layer {
	return &Layer{Kind: kind, Description: kinds[kind], Offset: im.base + off, Size: im.size - off}
}

// sectors returns byte off of the image as a sector number for table lines; ok is false when a table line
// cannot name it.
func (im *image) sectors(off int64) (n int64, ok bool) {
	return (im.base + off) / sector, (im.base+off)%sector == 0
}

// text turns an on-disk string, ended by a NUL or by its field, into something that is safe to print.
func text(b []byte) string {
	s := string(b)
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return printable(s)
}

// printable escapes what would disturb a terminal: control characters and bytes that are no UTF-8.
func printable(s string) string {
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var w strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if (r == utf8.RuneError && n == 1) || !unicode.IsPrint(r) {
			for _, c := range []byte(s[i : i+n]) {
				fmt.Fprintf(&w, `\x%02x`, c)
			}
		} else {
			w.WriteString(s[i : i+n])
		}
		i += n
	}
	return w.String()
}

// uuid formats 16 bytes in their own order (RFC 9562); all zero is no UUID.
func uuid(b []byte) string {
	if allZero(b) {
		return ""
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// guid formats 16 bytes whose first three groups are little-endian, as GPT stores them (UEFI 2.10 appendix A).
func guid(b []byte) string {
	return fmt.Sprintf("%02x%02x%02x%02x-%02x%02x-%02x%02x-%x-%x",
		b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8:10], b[10:16])
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// product multiplies two sizes; ok is false when the result does not fit an int64.
func product(a, b uint64) (n int64, ok bool) {
	const limit = 1<<63 - 1
	if a != 0 && b > limit/a {
		return 0, false
	}
	return int64(a * b), true
}

// powerOfTwo says whether n is a power of two from lo to hi.
func powerOfTwo(n, lo, hi uint64) bool {
	return n >= lo && n <= hi && n&(n-1) == 0
}

// word escapes a string so that it is one word of a table line (a backslash makes the
// next byte literal).
func word(s string) string {
	var w strings.Builder
	for _, r := range printable(s) {
		if r == ' ' || r == '\\' || r == '\t' {
			w.WriteByte('\\')
		}
		w.WriteRune(r)
	}
	return w.String()
}

// section is the image from byte off to its end.
func (im *image) section(off int64) *io.SectionReader {
	return io.NewSectionReader(im.r, im.base+off, im.size-off)
}
