// Package aegis is AEGIS-128 (Wu and Preneel, "AEGIS: a fast authenticated
// encryption algorithm", version 1.1, 2016), with a key, a nonce and a tag of 16
// bytes. It is neither AEGIS-128L nor AEGIS-256 of the RFC, which the kernel has
// dropped.
//
//	c := aegis.New(key)
//	c.Seal(dst, src, tag, nonce, ad)
//	ok := c.Open(dst, dst, tag, nonce, ad)
//
// Its time depends on lengths only, on every processor: with AES instructions on
// amd64, on bit planes in plain Go elsewhere, which is a hundred times slower.
package aegis
