package crypt

import "slices"

// rfc4309Salt is the part of the nonce that IPsec's form of CCM keeps at the end
// of its key, in bytes (RFC 4309, 7.1).
const rfc4309Salt = 3

// rfc4309Mode is CCM as IPsec uses it: the nonce is the last 3 bytes of the key
// and an IV of 8, and the IV is no part of the associated data. Plain ccm has no
// use in dm-crypt: its IV must begin with the size of a length field.
func rfc4309Mode(name apiName) *aeadMode {
	inner, _ := name.inside("rfc4309")
	arg, ok := inner.inside("ccm")
	b := blockOf(arg)
	if !ok || b == nil {
		return nil
	}
	return &aeadMode{
		name:         name.String(),
		keySizes:     b.keySizes,
		saltSize:     rfc4309Salt,
		ivSize:       8,
		apiBlockSize: 1,
		tagSizes:     []int{8, 12, 16},
		note:         "plain Go over " + b.note,
		new: func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
			split := len(key) - rfc4309Salt
			blocks, err := newBlocks(*b, key[:split])
			if err != nil {
				return nil, err
			}
			return &messageMode{
				messageAEAD: ccm{blocks[0], tagSize}, tagSize: tagSize,
				salt: slices.Clone(key[split:]), bareAD: true,
			}, nil
		},
	}
}
