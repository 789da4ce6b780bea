package hashes

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"hash"

	//lint:ignore SA1019 old verity images and LUKS headers name it
	"golang.org/x/crypto/md4"
)

// Why a digest of the algorithm is no proof, for Algorithm.Weakness.
const (
	collisions = "collisions are practical"
	checksum   = "a checksum, not a cryptographic hash"
	tooShort   = "digest too short against collisions"
)

// algorithms is the list: one line per algorithm. To add one, write its file
// and add its line here; the tests then demand vectors for it.
var algorithms = []Algorithm{
	{Name: "md4", Size: 16, BlockSize: 64, Kernel: true, Weakness: collisions, New: md4.New},
	{Name: "md5", Size: 16, BlockSize: 64, Kernel: true, Weakness: collisions, New: md5.New, aliases: []string{"ssl3-md5"}},
	{Name: "sha1", Size: 20, BlockSize: 64, Kernel: true, Weakness: collisions, New: sha1.New, aliases: []string{"sha-1", "ssl3-sha1"}},
	{Name: "sha224", Size: 28, BlockSize: 64, Kernel: true, New: sha256.New224, aliases: []string{"sha-224", "sha2-224"}},
	{Name: "sha256", Size: 32, BlockSize: 64, Kernel: true, New: sha256.New, aliases: []string{"sha-256", "sha2-256"}},
	{Name: "sha384", Size: 48, BlockSize: 128, Kernel: true, New: sha512.New384, aliases: []string{"sha-384", "sha2-384"}},
	{Name: "sha512", Size: 64, BlockSize: 128, Kernel: true, New: sha512.New, aliases: []string{"sha-512", "sha2-512"}},
	{Name: "sha512-224", Size: 28, BlockSize: 128, New: sha512.New512_224, aliases: []string{"sha-512/224", "sha2-512/224"}},
	{Name: "sha512-256", Size: 32, BlockSize: 128, New: sha512.New512_256, aliases: []string{"sha-512/256", "sha2-512/256"}},
	{Name: "sha3-224", Size: 28, BlockSize: 144, Kernel: true, New: func() hash.Hash { return sha3.New224() }},
	{Name: "sha3-256", Size: 32, BlockSize: 136, Kernel: true, New: func() hash.Hash { return sha3.New256() }},
	{Name: "sha3-384", Size: 48, BlockSize: 104, Kernel: true, New: func() hash.Hash { return sha3.New384() }},
	{Name: "sha3-512", Size: 64, BlockSize: 72, Kernel: true, New: func() hash.Hash { return sha3.New512() }},
	{Name: "shake128", Size: 16, BlockSize: 168, Weakness: tooShort, New: newSHAKE128, aliases: []string{"shake-128"}},
	{Name: "shake256", Size: 32, BlockSize: 136, New: newSHAKE256, aliases: []string{"shake-256"}},
	{Name: "blake2b-160", Size: 20, BlockSize: 128, Kernel: true, New: newBLAKE2b(20)},
	{Name: "blake2b-256", Size: 32, BlockSize: 128, Kernel: true, New: newBLAKE2b(32)},
	{Name: "blake2b-384", Size: 48, BlockSize: 128, Kernel: true, New: newBLAKE2b(48)},
	{Name: "blake2b-512", Size: 64, BlockSize: 128, Kernel: true, New: newBLAKE2b(64), aliases: []string{"blake2b512"}},
	{Name: "blake2s-128", Size: 16, BlockSize: 64, Kernel: true, Weakness: tooShort, New: newBLAKE2s(16)},
	{Name: "blake2s-160", Size: 20, BlockSize: 64, Kernel: true, New: newBLAKE2s(20)},
	{Name: "blake2s-224", Size: 28, BlockSize: 64, Kernel: true, New: newBLAKE2s(28)},
	{Name: "blake2s-256", Size: 32, BlockSize: 64, Kernel: true, New: newBLAKE2s256, aliases: []string{"blake2s256"}},
	{Name: "rmd160", Size: 20, BlockSize: 64, Kernel: true, New: newRIPEMD160, aliases: []string{"ripemd160", "ripemd-160", "ripemd"}},
	{Name: "sm3", Size: 32, BlockSize: 64, Kernel: true, New: newSM3},
	{Name: "wp256", Size: 32, BlockSize: 64, Kernel: true, New: newWhirlpool(32)},
	{Name: "wp384", Size: 48, BlockSize: 64, Kernel: true, New: newWhirlpool(48)},
	{Name: "wp512", Size: 64, BlockSize: 64, Kernel: true, New: newWhirlpool(64), aliases: []string{"whirlpool"}},
	{Name: "streebog256", Size: 32, BlockSize: 64, Kernel: true, New: newStreebog(32)},
	{Name: "streebog512", Size: 64, BlockSize: 64, Kernel: true, New: newStreebog(64)},
	{Name: "md5-sha1", Size: 36, BlockSize: 64, Weakness: collisions, New: newMD5SHA1},
	{Name: "crc32", Size: 4, BlockSize: 1, Kernel: true, Weakness: checksum, New: newCRC32},
	{Name: "crc32c", Size: 4, BlockSize: 1, Kernel: true, Weakness: checksum, New: newCRC32C},
	{Name: "xxhash64", Size: 8, BlockSize: 32, Kernel: true, Weakness: checksum, New: newXXHash64},
}
