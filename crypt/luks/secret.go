package luks

// secretAlign is more than the largest allocation that shares pages with others in Go's
// heap, so that a secret has pages of its own.
const secretAlign = 40 << 10

// secret is key material: its pages are kept out of swap and core dumps where the system
// allows that, and wipe zeroes them. Copies that the Go standard library makes inside
// ciphers and hashes are out of reach.
type secret struct {
	b     []byte
	pages []byte // what was locked; nil if nothing was
}

// newSecret makes a secret of n zero bytes.
func newSecret(n int) *secret {
	pages := make([]byte, (n+secretAlign-1)/secretAlign*secretAlign)
	s := &secret{b: pages[:n:n]}
	if lockPages(pages) {
		s.pages = pages
	}
	return s
}

// copySecret makes a secret of the bytes of b.
func copySecret(b []byte) *secret {
	s := newSecret(len(b))
	copy(s.b, b)
	return s
}

// wipe zeroes the secret; it may be called again, and on nil.
func (s *secret) wipe() {
	if s == nil {
		return
	}
	clear(s.b)
	if s.pages != nil {
		unlockPages(s.pages)
		s.pages = nil
	}
}
