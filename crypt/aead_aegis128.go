package crypt

// aegis128Mode is AEGIS-128, with the IV of 16 bytes as its nonce.
func aegis128Mode(name apiName) *aeadMode {
	if name.String() != "aegis128" {
		return nil
	}
	return &aeadMode{
		name:         "aegis128",
		keySizes:     []int{16},
		ivSize:       16,
		apiBlockSize: 1,
		tagSizes:     []int{8, 9, 10, 11, 12, 13, 14, 15, 16},
		note:         "plain Go; constant time",
		new: func(key, _ []byte, tagSize int, _ string) (sectorAEAD, error) {
			return &messageMode{messageAEAD: newAEGIS128(key), tagSize: tagSize}, nil
		},
	}
}
