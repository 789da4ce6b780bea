package journal

import (
	"crypto/subtle"
	"math"

	"github.com/dmimg/dmimg/crypt"
	"golang.org/x/crypto/chacha20"
)

// keyStream makes the bytes of a key stream from an offset on, a multiple of
// 512; len(p) is one too.
type keyStream interface {
	fill(p []byte, offset int64)
	wipe()
}

// streamCipher XORs the journal with the key stream of an IV of zeros that
// begins at its first section. So the same bytes are used for every pass: who
// sees a journal twice learns the difference of what it held.
type streamCipher struct {
	geometry
	stream keyStream
}

func (c *streamCipher) encrypt(b []byte, number uint32) { c.decrypt(b, nil, number, 0) }

func (c *streamCipher) decrypt(b, _ []byte, number uint32, first int) {
	offset := int64(number)*int64(c.sectionSize()) + int64(first)*SectorSize
	var stream [8 * SectorSize]byte
	for len(b) > 0 {
		part := stream[:min(len(b), len(stream))]
		c.stream.fill(part, offset)
		subtle.XORBytes(b, b[:len(part)], part)
		b, offset = b[len(part):], offset+int64(len(part))
	}
	clear(stream[:])
}

func (c *streamCipher) needsBefore() bool { return false }
func (c *streamCipher) wipe()             { c.stream.wipe() }

// ids makes the commit ids, from the stream that follows the journal's last page.
func (c *streamCipher) ids(pageSize int) commitIDs {
	var stream [SectorSize]byte
	pages := (c.size() + int64(pageSize) - 1) / int64(pageSize)
	c.stream.fill(stream[:], pages*int64(pageSize))
	return idsUnder(stream[:])
}

// counterStream is a block cipher in counter mode (NIST SP 800-38A, 6.5), the
// first counter zero. The IV of a sector of the cipher below is its number, big
// endian: numbers are made to be counters.
type counterStream struct {
	ctr       crypt.SectorCipher
	blockSize int
}

func newCTR(cipher string, a Algorithm, g geometry) (sectionCipher, error) {
	size, err := blockSize("ecb("+cipher+")", a)
	if err != nil {
		return nil, err
	}
	c, err := sectorCipher(cipher+"-ctr-plain64be", a)
	if err != nil {
		return nil, err
	}
	return &streamCipher{g, &counterStream{c, size}}, nil
}

func (s *counterStream) fill(p []byte, offset int64) {
	clear(p)
	for ; len(p) > 0; p, offset = p[SectorSize:], offset+SectorSize {
		s.ctr.EncryptSectors(p[:SectorSize], p[:SectorSize], uint64(offset)/uint64(s.blockSize))
	}
}

func (s *counterStream) wipe() { s.ctr = nil }

// chachaStream is ChaCha20 (RFC 8439) with a nonce of zeros.
type chachaStream struct{ key []byte }

// maxChaCha is where its counter would begin anew, in bytes.
const maxChaCha = math.MaxUint32 * 64

func newChaCha20(a Algorithm, g geometry) (sectionCipher, error) {
	if len(a.Key) != chacha20.KeySize {
		return nil, badConfig("key of %d bytes for chacha20: want %d", len(a.Key), chacha20.KeySize)
	}
	if g.size() > maxChaCha-1<<20 {
		return nil, badConfig("a journal of %d bytes with chacha20: at most %d", g.size(), int64(maxChaCha-1<<20))
	}
	return &streamCipher{g, &chachaStream{append([]byte(nil), a.Key...)}}, nil
}

func (s *chachaStream) fill(p []byte, offset int64) {
	c, err := chacha20.NewUnauthenticatedCipher(s.key, make([]byte, chacha20.NonceSize))
	if err != nil {
		panic("journal: internal error: " + err.Error())
	}
	c.SetCounter(uint32(offset / 64))
	clear(p)
	c.XORKeyStream(p, p)
}

func (s *chachaStream) wipe() { clear(s.key) }
