package crypt

// nullECB is the cipher that does nothing, with an empty key (the word "-" on a
// table line). cryptsetup uses it to format without encryption.
func nullECB() cipherMode {
	return cipherMode{
		chain: "ecb",
		cipher: blockCipher{
			name:      "cipher_null",
			blockSize: 1,
			note:      "no encryption at all",
		},
		keySizes:     []int{0},
		apiBlockSize: 1,
		new:          func([]byte, string) (sectorMode, error) { return nullMode{}, nil },
	}
}

type nullMode struct{}

func (nullMode) encrypt(dst, src, _ []byte, _ int) { copy(dst, src) }
func (nullMode) decrypt(dst, src, _ []byte, _ int) { copy(dst, src) }
