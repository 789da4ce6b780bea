package crypt

import (
	"encoding/hex"
	"fmt"
	"testing"
)

// TestOpenSSLPeerCiphers encrypts a sector with openssl enc under the plain64 IV, in
// every cipher and mode that both have.
func TestOpenSSLPeerCiphers(t *testing.T) {
	t.Parallel()
	openssl := requireTool(t, "openssl")
	modes := []string{"cbc", "ctr", "ofb", "cfb", "ecb"}
	type row struct {
		spec, name string
		keySize    int // bytes
		iv         string
		legacy     bool
	}
	const wide, narrow = "08070605040302010000000000000000", "0807060504030201"
	var rows []row
	for _, mode := range modes {
		for _, cipher := range []string{"aes", "camellia", "aria"} {
			for _, size := range []int{16, 24, 32} {
				rows = append(rows, row{cipher + "-" + mode, fmt.Sprintf("%s-%d-%s", cipher, 8*size, mode), size, wide, false})
			}
		}
		rows = append(rows, row{"sm4-" + mode, "sm4-" + mode, 16, wide, false})
		if mode == "ctr" {
			continue // not for these
		}
		rows = append(rows,
			row{"des3_ede-" + mode, "des-ede3-" + mode, 24, narrow, false},
			row{"des-" + mode, "des-" + mode, 8, narrow, true},
			row{"cast5-" + mode, "cast5-" + mode, 16, narrow, true},
			row{"blowfish-" + mode, "bf-" + mode, 16, narrow, true})
	}
	plain := patterned(4096)
	for i, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			key := patterned(r.keySize + i)[i:]
			args := []string{"enc", "-" + r.name, "-nopad", "-K", hex.EncodeToString(key)}
			spec := r.spec
			if r.spec[len(r.spec)-3:] != "ecb" {
				args, spec = append(args, "-iv", r.iv), spec+"-plain64"
			}
			if r.legacy {
				args = append(args, "-provider", "legacy", "-provider", "default")
			}
			want := run(t, plain, openssl, args...)
			c, err := NewCipher(Config{Spec: spec, Key: key, SectorSize: 4096})
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(plain))
			c.EncryptSectors(got, plain, 0x0102030405060708)
			if at := firstDifference(got, want); at >= 0 {
				t.Errorf("%s, %d-byte key: byte %d differs from openssl", spec, r.keySize, at)
			}
			c.DecryptSectors(got, want, 0x0102030405060708)
			if at := firstDifference(got, plain); at >= 0 {
				t.Errorf("%s, %d-byte key: byte %d is not the plaintext", spec, r.keySize, at)
			}
		})
	}
}

// TestImplementationsOfOtherModes compares the implementations of AES in the modes
// that take them from newBlock.
func TestImplementationsOfOtherModes(t *testing.T) {
	t.Parallel()
	for spec, keySize := range map[string]int{
		"aes-ecb": 32, "aes-lrw-benbi": 40, "aes-pcbc-plain64": 16, "aes-ofb-plain64": 32, "aes-cfb-essiv:sha256": 32,
		"aes-xctr-plain64": 24, "aes-hctr2-plain64": 32, "capi:cts(cbc(aes))-plain64": 32,
	} {
		for _, name := range Implementations() {
			for _, size := range []int{512, 4096} {
				t.Run(fmt.Sprintf("%s/%s/%d", spec, name, size), func(t *testing.T) {
					t.Parallel()
					compareImplementations(t, Config{Spec: spec, Key: patterned(keySize), SectorSize: size}, name)
				})
			}
		}
	}
}
