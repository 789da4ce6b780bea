package luks

import (
	"context"
	"io"
	"time"
)

// digestTime is what checking a volume key costs when nothing else is said.
const digestTime = 125 * time.Millisecond

// newDigest makes the digest of size bytes that proves key, of no slot and no segment yet.
// 0 iterations: as many as digestTime allows for as many bytes as the key has, which is how
// cryptsetup counts.
func newDigest(ctx context.Context, key []byte, hash string, size int, iterations int64, random io.Reader) (*Digest, error) {
	a, err := lookupHash(hash)
	if err != nil {
		return nil, err
	}
	if iterations == 0 {
		if iterations, err = (Cost{Hash: hash}).pbkdf2Iterations(ctx, len(key), digestTime); err != nil {
			return nil, err
		}
	}
	d := &Digest{Type: kdfPBKDF2, Keyslots: IDs{}, Segments: IDs{}, Hash: hash, Iterations: iterations, Digest: make([]byte, size)}
	if d.Salt, err = salted(random, salt2); err != nil {
		return nil, err
	}
	return d, pbkdf2(ctx, a, key, d.Salt, uint32(iterations), d.Digest)
}

// digestOf finds the digest of LUKS2 that proves key.
func (m *Metadata) digestOf(ctx context.Context, key []byte) (id int, found bool, err error) {
	for _, id := range sortedIDs(m.Digests) {
		if m.Digests[id].Type != kdfPBKDF2 {
			continue
		}
		if ok, err := m.Digests[id].proves(ctx, key); ok || err != nil {
			return id, ok, err
		}
	}
	return 0, false, nil
}

// addDigest enters a digest under the first free number.
func (m *Metadata) addDigest(d *Digest) int {
	id := 0
	for m.Digests[id] != nil {
		id++
	}
	if m.Digests == nil {
		m.Digests = make(map[int]*Digest)
	}
	m.Digests[id] = d
	return id
}
