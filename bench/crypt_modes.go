package bench

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// modeSector is the sector size of the loops over modes other than XTS: old
// images have no other.
const modeSector = 512

// modeLoops compares our CBC and CTR with a program that calls Go's own for
// every sector.
func modeLoops() ([]loop, error) {
	key := testKey(32)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(key)
	essiv, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	plain64 := func(iv []byte, sector uint64) {
		clear(iv)
		binary.LittleEndian.PutUint64(iv, sector)
	}
	encrypted := func(iv []byte, sector uint64) {
		plain64(iv, sector)
		essiv.Encrypt(iv, iv)
	}
	cbcOut, err := cbcSectors(cipher.NewCBCDecrypter(block, make([]byte, aes.BlockSize)), encrypted)
	if err != nil {
		return nil, err
	}
	cbcIn, err := cbcSectors(cipher.NewCBCEncrypter(block, make([]byte, aes.BlockSize)), encrypted)
	if err != nil {
		return nil, err
	}
	var loops []loop
	for _, m := range []struct {
		spec    string
		decrypt bool
		peer    func(dst, src []byte, sector uint64)
	}{
		{"aes-cbc-essiv:sha256", true, cbcOut},
		{"aes-cbc-essiv:sha256", false, cbcIn},
		{"aes-ctr-plain64", true, ctrSectors(block, plain64)},
	} {
		l, err := modeLoop(m.spec, m.decrypt, key, m.peer)
		if err != nil {
			return nil, err
		}
		loops = append(loops, l)
	}
	return loops, nil
}

func modeLoop(spec string, decrypt bool, key []byte, peer func(dst, src []byte, sector uint64)) (loop, error) {
	ours, err := cipherContestant(spec, "", key, modeSector, decrypt)
	if err != nil {
		return loop{}, err
	}
	src, dst := make([]byte, loopBytes), make([]byte, loopBytes)
	return loop{
		name: loopName(spec+" (256-bit key)", decrypt, modeSector),
		contestants: []contestant{ours, {
			name: "crypto/cipher", peer: true, baseline: true, bytes: loopBytes,
			call: func() { peer(dst, src, 0) },
		}},
	}, nil
}

// cbcSectors uses mode for every sector in turn. Go's CBC modes take a new IV
// without a new value.
func cbcSectors(mode cipher.BlockMode, setIV func(iv []byte, sector uint64)) (func(dst, src []byte, sector uint64), error) {
	m, ok := mode.(interface {
		cipher.BlockMode
		SetIV(iv []byte)
	})
	if !ok {
		return nil, errors.New("crypto/cipher: this CBC mode takes no new IV")
	}
	iv := make([]byte, aes.BlockSize)
	return func(dst, src []byte, sector uint64) {
		for at := 0; at < len(src); at += modeSector {
			setIV(iv, sector)
			m.SetIV(iv)
			m.CryptBlocks(dst[at:at+modeSector], src[at:at+modeSector])
			sector++
		}
	}, nil
}

// ctrSectors makes a stream for every sector, as Go's CTR wants.
func ctrSectors(block cipher.Block, setIV func(iv []byte, sector uint64)) func(dst, src []byte, sector uint64) {
	iv := make([]byte, aes.BlockSize)
	return func(dst, src []byte, sector uint64) {
		for at := 0; at < len(src); at += modeSector {
			setIV(iv, sector)
			cipher.NewCTR(block, iv).XORKeyStream(dst[at:at+modeSector], src[at:at+modeSector])
			sector++
		}
	}
}
