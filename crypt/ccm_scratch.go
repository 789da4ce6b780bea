package crypt

import "sync"

// ccmScratch is what a CCM computation needs beside its arguments. It is taken
// from a pool because what goes through the interface of a block cipher would be
// allocated for every sector.
type ccmScratch struct {
	counter [ccmBlock]byte // number 0
	first   [ccmBlock]byte // counter 0 encrypted
	mac     [ccmBlock]byte
	stream  [1024]byte
}

type ccmScratchPool struct{ pool sync.Pool }

var ccmScratches = ccmScratchPool{sync.Pool{New: func() any { return new(ccmScratch) }}}

// get returns a scratch with the counter for nonce.
func (p *ccmScratchPool) get(nonce []byte) *ccmScratch {
	w := p.pool.Get().(*ccmScratch)
	w.counter = [ccmBlock]byte{byte(14 - len(nonce))}
	copy(w.counter[1:], nonce)
	return w
}

// put gives a scratch back without key stream in it.
func (p *ccmScratchPool) put(w *ccmScratch) {
	*w = ccmScratch{}
	p.pool.Put(w)
}
