package hashes

import (
	"crypto/md5"
	"crypto/sha1"
	"hash"
)

// md5sha1 is OpenSSL's "md5-sha1": the MD5 digest followed by the SHA-1
// digest of the same message, as TLS 1.1 used it. The kernel has no such hash.
type md5sha1 struct {
	md5, sha1 hash.Hash
}

func newMD5SHA1() hash.Hash { return &md5sha1{md5: md5.New(), sha1: sha1.New()} }

func (h *md5sha1) Size() int      { return md5.Size + sha1.Size }
func (h *md5sha1) BlockSize() int { return sha1.BlockSize }

func (h *md5sha1) Reset() {
	h.md5.Reset()
	h.sha1.Reset()
}

func (h *md5sha1) Write(p []byte) (int, error) {
	h.md5.Write(p) // neither fails
	return h.sha1.Write(p)
}

func (h *md5sha1) Sum(b []byte) []byte { return h.sha1.Sum(h.md5.Sum(b)) }
