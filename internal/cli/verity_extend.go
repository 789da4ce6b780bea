package cli

import "github.com/dmimg/dmimg/internal/cli/ui"

// zeroExtended reads a file as if zeros followed its end. Holes stay known, so that
// sparse images are not read.
type zeroExtended struct{ *ui.Input }

// ReadAt reads bytes of the file and zeros after them; it never meets the end.
func (z zeroExtended) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= z.Size() {
		return z.Input.ReadAt(p, off)
	}
	inside := max(0, min(int64(len(p)), z.Size()-off))
	n, err := z.Input.ReadAt(p[:inside], off)
	if int64(n) < inside {
		return n, err
	}
	clear(p[inside:])
	return len(p), nil
}
