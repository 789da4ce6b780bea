package crypt

import "sync"

// messageAEAD is a keyed AEAD of single messages with a tag of its own place. dst
// and src are of equal length, and the same memory or apart.
type messageAEAD interface {
	seal(dst, src, tag, nonce, ad []byte)

	// open reports whether the tag is right, and clears dst if it is not.
	open(dst, src, tag, nonce, ad []byte) bool
}

// messageMode runs a messageAEAD over sectors. The associated data are the
// sector number and, but for the modes made for IPsec, the IV.
type messageMode struct {
	messageAEAD
	tagSize int
	salt    []byte // in front of every IV in the nonce
	bareAD  bool   // the sector number alone
}

// messageScratch is room for nonce and associated data, which would be
// allocated for every sector otherwise.
type messageScratch struct {
	nonce [16]byte
	ad    [8 + maxIVSize]byte
}

var messageScratches = sync.Pool{New: func() any { return new(messageScratch) }}

// message returns nonce and associated data of sector i.
func (m *messageMode) message(s *messageScratch, r *tagRun, i int) (nonce, ad []byte) {
	iv, number := r.iv(i), r.number(i)
	nonce = append(append(s.nonce[:0], m.salt...), iv...)
	ad = append(s.ad[:0], number[:]...)
	if !m.bareAD {
		ad = append(ad, iv...)
	}
	return nonce, ad
}

func (m *messageMode) seal(dst, src []byte, r *tagRun) {
	s := messageScratches.Get().(*messageScratch)
	defer messageScratches.Put(s)
	for i, at := 0, 0; at < len(src); i, at = i+1, at+r.unit {
		nonce, ad := m.message(s, r, i)
		m.messageAEAD.seal(dst[at:at+r.unit], src[at:at+r.unit], r.tag(i, m.tagSize), nonce, ad)
	}
}

func (m *messageMode) open(p []byte, r *tagRun) int {
	s := messageScratches.Get().(*messageScratch)
	defer messageScratches.Put(s)
	for i, at := 0, 0; at < len(p); i, at = i+1, at+r.unit {
		nonce, ad := m.message(s, r, i)
		sector := p[at : at+r.unit]
		if !m.messageAEAD.open(sector, sector, r.tag(i, m.tagSize), nonce, ad) {
			return at
		}
	}
	return len(p)
}

func (m *messageMode) wipe() {
	clear(m.salt)
	if w, ok := m.messageAEAD.(wiper); ok {
		w.wipe()
	}
}
