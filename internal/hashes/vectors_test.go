package hashes

import (
	"encoding/hex"
	"strings"
	"testing"
)

// standardVectors are examples printed in the standards themselves.
var standardVectors = []struct{ algorithm, message, digest, origin string }{
	{"md4", "abc", "a448017aaf21d8525fc10ae87aa6729d", "RFC 1320 appendix A.5"},
	{"md5", "abc", "900150983cd24fb0d6963f7d28e17f72", "RFC 1321 appendix A.5"},
	{"sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d", "FIPS 180 example"},
	{"sha224", "abc", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7", "FIPS 180 example"},
	{"sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "FIPS 180 example"},
	{
		"sha384", "abc",
		"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
		"FIPS 180 example",
	},
	{
		"sha512", "abc",
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
		"FIPS 180 example",
	},
	{"sha512-256", "abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23", "FIPS 180 example"},
	{"sha3-224", "", "6b4e03423667dbb73b6e15454f0eb1abd4597f9a1b078e3f5b5a6bc7", "FIPS 202 example"},
	{"sha3-256", "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a", "FIPS 202 example"},
	{"shake128", "", "7f9c2ba4e88f827d616045507605853e", "FIPS 202 example, first 16 bytes"},
	{
		"blake2b-512", "abc",
		"ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1" +
			"7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923",
		"RFC 7693 appendix A",
	},
	{"blake2s-256", "abc", "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", "RFC 7693 appendix B"},
	{"rmd160", "abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc", "Dobbertin, Bosselaers, Preneel, 1996"},
	{"rmd160", "", "9c1185a5c5e9fc54612808977ee8f548b2258d31", "Dobbertin, Bosselaers, Preneel, 1996"},
	{"sm3", "abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", "GB/T 32905-2016 appendix A.1"},
	{
		"sm3", strings.Repeat("abcd", 16),
		"debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732", "GB/T 32905-2016 appendix A.2",
	},
	{
		"wp512", "abc",
		"4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c" +
			"7181eebdb6c57e277d0e34957114cbd6c797fc9d95d8b582d225292076d4eef5",
		"ISO/IEC 10118-3:2004 annex D",
	},
	{"wp256", "abc", "4e2448a4c6f486bb16b6562c73b4020bf3043e3a731bce721ae1b303d97e6d4c", "the same, cut"},
	{
		"streebog512", "012345678901234567890123456789012345678901234567890123456789012",
		"1b54d01a4af5b9d5cc3d86d68d285462b19abc2475222f35c085122be4ba1ffa" +
			"00ad30f8767b3a82384c6574f024c311e2a481332b08ef7f41797891c1646f48",
		"RFC 6986 section 10.1.1, bytes reversed",
	},
	{
		"streebog256", "012345678901234567890123456789012345678901234567890123456789012",
		"9d151eefd8590b89daa6ba6cb74af9275dd051026bb149a452fd84e5e57b5500", "RFC 6986 section 10.1.2, bytes reversed",
	},
	{"crc32c", strings.Repeat("\x00", 32), "aa36918a", "RFC 3720 appendix B.4"},
	{"crc32c", strings.Repeat("\xff", 32), "43aba862", "RFC 3720 appendix B.4"},
	{"xxhash64", "", "99e9d85137db46ef", "xxHash specification, bytes reversed"},
}

func TestStandardVectors(t *testing.T) {
	t.Parallel()
	for _, v := range standardVectors {
		h := mustLookup(t, v.algorithm).New()
		h.Write([]byte(v.message))
		if got := hex.EncodeToString(h.Sum(nil)); got != v.digest {
			t.Errorf("%s of %q: got %s, want %s (%s)", v.algorithm, v.message, got, v.digest, v.origin)
		}
	}
}
