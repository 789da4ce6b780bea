package multihash

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// hasher is what the exported types have in common.
type hasher interface {
	Implementation() string
	Size() int
	SumBlocks(dst, blocks []byte, blockSize int)
}

// functions are the hash functions with what they are compared to.
var functions = []struct {
	name     string
	piece    int
	impls    func() []string
	judge    func() hash.Hash
	best     func(prefix, suffix []byte) hasher
	named    func(prefix, suffix []byte, name string) (hasher, error)
	examples map[string]string // message to digest
}{
	{
		name: "SHA-256", piece: 64, impls: Implementations, judge: sha256.New,
		best:  func(prefix, suffix []byte) hasher { return NewSHA256(prefix, suffix) },
		named: func(prefix, suffix []byte, name string) (hasher, error) { return NewSHA256Impl(prefix, suffix, name) },
		examples: map[string]string{ // FIPS 180-2, appendix B
			"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
			millionA: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		},
	},
	{
		name: "SHA-512", piece: 128, impls: SHA512Implementations, judge: sha512.New,
		best:  func(prefix, suffix []byte) hasher { return NewSHA512(prefix, suffix) },
		named: func(prefix, suffix []byte, name string) (hasher, error) { return NewSHA512Impl(prefix, suffix, name) },
		examples: map[string]string{ // FIPS 180-2, appendix C
			"abc": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
				"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
			sha512Example: "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018" +
				"501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909",
			millionA: "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb" +
				"de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b",
		},
	},
	{
		name: "SHA-384", piece: 128, impls: SHA512Implementations, judge: sha512.New384,
		best:  func(prefix, suffix []byte) hasher { return NewSHA384(prefix, suffix) },
		named: func(prefix, suffix []byte, name string) (hasher, error) { return NewSHA384Impl(prefix, suffix, name) },
		examples: map[string]string{ // FIPS 180-2, appendix D
			"abc": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed" +
				"8086072ba1e7cc2358baeca134c825a7",
			sha512Example: "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712" +
				"fcc7c71a557e2db966c3e9fa91746039",
			millionA: "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b" +
				"07b8b3dc38ecc4ebae97ddd87f3d8985",
		},
	},
}

// sha512Example and millionA are messages of NIST's examples.
const sha512Example = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"

var millionA = strings.Repeat("a", 1000000)

// eachImplementation runs a test for every implementation of every function.
func eachImplementation(t *testing.T, test func(t *testing.T, function int, name string)) {
	for i, f := range functions {
		for _, name := range f.impls() {
			t.Run(f.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, i, name)
			})
		}
	}
}

// TestRequiredImplementations turns the absence of an implementation into a
// failure on a machine that should have it: DMIMG_TEST_REQUIRE_IMPL=shani4,…
// Names of other packages' implementations are passed over.
func TestRequiredImplementations(t *testing.T) {
	t.Parallel()
	var here []string
	for _, f := range functions {
		here = append(here, f.impls()...)
	}
	for name := range strings.SplitSeq(os.Getenv("DMIMG_TEST_REQUIRE_IMPL"), ",") {
		if slices.Contains(implNames[:], name) && !slices.Contains(here, name) {
			t.Errorf("implementation %q is required, here are %q", name, here)
		}
	}
}

// TestVectors checks NIST's examples as prefix, block and suffix in every way they
// can be cut.
func TestVectors(t *testing.T) {
	t.Parallel()
	eachImplementation(t, func(t *testing.T, function int, name string) {
		f := functions[function]
		for message, digest := range f.examples {
			want, err := hex.DecodeString(digest)
			if err != nil {
				t.Fatal(err)
			}
			cuts := [][2]int{{0, len(message)}, {1, len(message)}, {1, len(message) - 1}}
			if message == millionA && testing.Short() {
				cuts = cuts[:1]
			}
			for _, cut := range cuts {
				h, err := f.named([]byte(message[:cut[0]]), []byte(message[cut[1]:]), name)
				if err != nil {
					t.Fatal(err)
				}
				const n = 17
				block := message[cut[0]:cut[1]]
				got := make([]byte, n*h.Size())
				h.SumBlocks(got, []byte(strings.Repeat(block, n)), len(block))
				if !bytes.Equal(got, bytes.Repeat(want, n)) {
					t.Errorf("%.10q… cut at %v: got %x, want %d times %x", message, cut, got, n, want)
				}
			}
		}
	})
}

// compare hashes blocks with an implementation and with the standard library; the
// memory around what is read and written must stay as it is.
func compare(t *testing.T, function int, name string, prefix, suffix, blocks []byte, blockSize int) {
	t.Helper()
	f := functions[function]
	h, err := f.named(prefix, suffix, name)
	if err != nil {
		t.Fatal(err)
	}
	n := len(blocks) / blockSize
	before := bytes.Clone(blocks)
	const guard = 64
	out := bytes.Repeat([]byte{0xa5}, n*h.Size()+2*guard)
	h.SumBlocks(out[guard:guard+n*h.Size()], blocks, blockSize)
	judge := f.judge()
	for i := range n {
		judge.Reset()
		judge.Write(prefix)
		judge.Write(blocks[i*blockSize : (i+1)*blockSize])
		judge.Write(suffix)
		want := judge.Sum(nil)
		if got := out[guard+i*h.Size():][:h.Size()]; !bytes.Equal(got, want) {
			t.Fatalf("%s: prefix %d, block %d of %d × %d, suffix %d: got %x, want %x",
				name, len(prefix), i, n, blockSize, len(suffix), got, want)
		}
	}
	if !bytes.Equal(blocks, before) {
		t.Fatalf("%s: the blocks changed", name)
	}
	edge := bytes.Repeat([]byte{0xa5}, guard)
	if !bytes.Equal(out[:guard], edge) || !bytes.Equal(out[guard+n*h.Size():], edge) {
		t.Fatalf("%s: wrote outside of the digests", name)
	}
}

// TestAllLengths compares every implementation with the standard library for all
// small block sizes, prefixes and suffixes, and all alignments; in a short run for
// every seventh.
func TestAllLengths(t *testing.T) {
	t.Parallel()
	data := randomBytes(rand.New(rand.NewPCG(1, 2)), 1<<16)
	step := 1
	if testing.Short() {
		step = 7
	}
	eachImplementation(t, func(t *testing.T, function int, name string) {
		for blockSize := 1; blockSize <= 600; blockSize += step {
			at, n := blockSize%64, 1+blockSize%37
			compare(t, function, name, data[:blockSize%67], data[:blockSize%41], data[at:at+n*blockSize], blockSize)
		}
		for salt := 0; salt <= maxTestSalt; salt += step {
			at, n := salt%17, 16+salt%19
			compare(t, function, name, data[:salt], nil, data[at:at+n*512], 512)
			compare(t, function, name, nil, data[:salt], data[at:at+n*512], 512)
		}
		piece := functions[function].piece
		for salt := 0; salt <= piece; salt += step {
			compare(t, function, name, data[:salt], data[salt:2*salt], data[:19*piece], piece)
		}
	})
}

// maxTestSalt is somewhat more than the longest salt of verity, 256 bytes.
const maxTestSalt = 300

// TestAllCounts compares for all numbers of blocks up to more than two groups of
// the widest implementation, and for numbers that take more than one call of
// assembly.
func TestAllCounts(t *testing.T) {
	t.Parallel()
	data := randomBytes(rand.New(rand.NewPCG(3, 4)), 1<<19)
	eachImplementation(t, func(t *testing.T, function int, name string) {
		for n := range 37 {
			compare(t, function, name, data[:32], nil, data[1:1+n*512], 512)
			compare(t, function, name, data[:32], nil, data[64:64+n*4096], 4096)
		}
		for _, c := range []struct{ n, blockSize int }{{300, 512}, {600, 200}, {70, 4096}} {
			compare(t, function, name, data[:32], nil, data[:c.n*c.blockSize], c.blockSize)
			compare(t, function, name, nil, data[:c.n], data[:c.n*c.blockSize], c.blockSize)
		}
	})
}

// TestLargeBlocks compares for blocks of which not even one group is hashed in one
// call of assembly.
func TestLargeBlocks(t *testing.T) {
	t.Parallel()
	data := randomBytes(rand.New(rand.NewPCG(5, 6)), 17*65536)
	eachImplementation(t, func(t *testing.T, function int, name string) {
		for _, blockSize := range []int{4096 + 128, 20001, 65536} {
			for _, salt := range []int{13, 32, 128} {
				compare(t, function, name, data[:salt], nil, data[:17*blockSize], blockSize)
			}
			compare(t, function, name, nil, data[:32], data[:17*blockSize], blockSize)
		}
	})
}

func randomBytes(r *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(r.Uint32())
	}
	return p
}

// FuzzSumBlocks hashes up to 40 blocks of up to 40 pieces, and a ragged end, of what
// data says over and over.
func FuzzSumBlocks(f *testing.F) {
	f.Add([]byte("salt"), []byte(""), []byte("block"), byte(11), byte(1), byte(36))
	f.Add(bytes.Repeat([]byte{7}, 64), bytes.Repeat([]byte{8}, 31), []byte{0, 1}, byte(17), byte(8), byte(0))
	f.Add(bytes.Repeat([]byte{7}, 32), []byte(nil), []byte("0123456789a"), byte(33), byte(2), byte(0))
	f.Add([]byte(nil), bytes.Repeat([]byte{9}, 256), []byte{255}, byte(18), byte(1), byte(0))
	f.Fuzz(func(t *testing.T, prefix, suffix, data []byte, n, pieces, ragged byte) {
		blockSize := int(pieces%41)*64 + int(ragged%64)
		if blockSize == 0 || len(data) == 0 {
			return
		}
		blocks := make([]byte, int(n%41)*blockSize)
		for at := 0; at < len(blocks); {
			at += copy(blocks[at:], data)
		}
		for i, function := range functions {
			for _, name := range function.impls() {
				compare(t, i, name, prefix, suffix, blocks, blockSize)
			}
		}
	})
}

func TestSumBlocksAllocatesNothing(t *testing.T) {
	for _, f := range functions {
		for _, name := range f.impls() {
			h, err := f.named(make([]byte, 32), nil, name)
			if err != nil {
				t.Fatal(err)
			}
			blocks, dst := make([]byte, 19*4096), make([]byte, 19*h.Size())
			h.SumBlocks(dst, blocks, 4096)
			if n := testing.AllocsPerRun(100, func() { h.SumBlocks(dst, blocks, 4096) }); n != 0 && !raceEnabled {
				t.Errorf("%s/%s: %v allocations for 19 blocks, want none", f.name, name, n)
			}
		}
	}
}

func TestWrongSizesPanic(t *testing.T) {
	t.Parallel()
	for _, f := range functions {
		h := f.best(nil, nil)
		for _, c := range []struct{ dst, blocks, blockSize int }{
			{h.Size(), 100, 0},
			{h.Size(), 100, -1},
			{h.Size(), 100, 99},
			{h.Size() - 1, 100, 100},
			{2 * h.Size(), 300, 100},
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s: SumBlocks of %+v did not panic", f.name, c)
					}
				}()
				h.SumBlocks(make([]byte, c.dst), make([]byte, c.blocks), c.blockSize)
			}()
		}
	}
}

func TestImplementationNames(t *testing.T) {
	t.Parallel()
	for _, f := range functions {
		_, err := f.named(nil, nil, "abacus")
		if err == nil || !strings.Contains(err.Error(), `"abacus"`) || !strings.Contains(err.Error(), "generic") {
			t.Errorf("%s: implementation abacus: %v, want an error naming it and the choices", f.name, err)
		}
		names := f.impls()
		if last := names[len(names)-1]; last != "generic" {
			t.Errorf("%s: the last implementation is %q, want generic", f.name, last)
		}
		if best := f.best(nil, nil).Implementation(); best != names[0] {
			t.Errorf("%s: without a choice the implementation is %q, want the first of %q", f.name, best, names)
		}
	}
}

// BenchmarkSumBlocks hashes what stays in the second cache, with the salt that
// veritysetup makes by default.
func BenchmarkSumBlocks(b *testing.B) {
	const total = 384 << 10
	for _, f := range functions {
		for _, name := range f.impls() {
			for _, size := range []int{512, 4096} {
				b.Run(fmt.Sprintf("%s/impl=%s/size=%d", f.name, name, size), func(b *testing.B) {
					h, err := f.named(make([]byte, 32), nil, name)
					if err != nil {
						b.Fatal(err)
					}
					blocks, dst := make([]byte, total), make([]byte, total/size*h.Size())
					b.SetBytes(total)
					b.ReportAllocs()
					for b.Loop() {
						h.SumBlocks(dst, blocks, size)
					}
				})
			}
		}
	}
}

func ExampleSHA256_SumBlocks() {
	h := NewSHA256([]byte("salt"), nil)
	digests := make([]byte, 2*h.Size())
	h.SumBlocks(digests, make([]byte, 2*4096), 4096)
	fmt.Printf("%x\n", digests[:8])
	fmt.Println(bytes.Equal(digests[:32], digests[32:]))
	// Output:
	// 02c7d121869b5899
	// true
}
