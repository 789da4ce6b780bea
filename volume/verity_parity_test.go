package volume_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// parityImage is a verity image with two parity bytes a codeword.
type parityImage struct {
	data, hash, parity []byte
	table              string
	rounds             int
}

const parityBlocks = 600

// zeroBlocks are blocks of zeros in it, which share codewords.
var zeroBlocks = []int{500, 503}

func newParityImage(t *testing.T, options string) *parityImage {
	t.Helper()
	data := make([]byte, parityBlocks*4096)
	r := rand.NewChaCha8([32]byte{1})
	_, _ = r.Read(data)
	for _, b := range zeroBlocks {
		clear(data[b*4096 : (b+1)*4096])
	}
	p := verity.Params{
		HashType: 1, Algorithm: "sha256", DataBlockSize: 4096, HashBlockSize: 4096,
		DataBlocks: parityBlocks, HashStartBlock: 1, Salt: []byte("salt"),
	}
	layout, err := verity.NewLayout(p)
	if err != nil {
		t.Fatal(err)
	}
	hash := volumetest.NewMemory(make([]byte, layout.HashEnd()*4096))
	root, err := verity.Build(context.Background(), bytes.NewReader(data), hash, p)
	if err != nil {
		t.Fatal(err)
	}
	area := fec.Area{
		BlockSize: 4096, Roots: 2, DataBlocks: parityBlocks,
		HashStart: 1, HashBlocks: layout.HashBlocks(), HashDeviceBytes: int64(layout.HashEnd()) * 4096,
	}
	f, err := area.Params()
	if err != nil {
		t.Fatal(err)
	}
	parity := volumetest.NewMemory(make([]byte, f.ParityBytes()))
	src := area.Stream(bytes.NewReader(data), hash)
	if err := fec.Encode(context.Background(), src, parity, 0, f); err != nil {
		t.Fatal(err)
	}
	n := 8 + bytes.Count([]byte(options), []byte(" "))
	table := fmt.Sprintf("0 %d verity 1 data hash 4096 4096 %d 1 sha256 %s %s %d %suse_fec_from_device parity fec_blocks %d fec_start 0 fec_roots 2",
		parityBlocks*8, parityBlocks, hex.EncodeToString(root), hex.EncodeToString(p.Salt), n, options, f.Blocks)
	return &parityImage{data, hash.Bytes(), parity.Bytes(), table, int(f.Rounds())}
}

// open opens the image with the given bytes in place of its data and tree.
func (i *parityImage) open(t *testing.T, data, hash []byte) *volume.Mapped {
	t.Helper()
	f := &volumetest.Files{Devices: map[string]*volumetest.Memory{
		"data": volumetest.NewMemory(data), "hash": volumetest.NewMemory(hash), "parity": volumetest.NewMemory(slices.Clone(i.parity)),
	}}
	return mustOpen(t, f, os.O_RDONLY, i.table)
}

// TestVerityRecoversFromParity damages data and tree within and beyond what the
// parity can undo: what is returned is always the original.
func TestVerityRecoversFromParity(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", "ignore_zero_blocks ", "check_at_most_once "} {
		i := newParityImage(t, options)
		for _, test := range []struct {
			name       string
			data, hash []int // blocks to spoil
			lost       int   // the first block that cannot be had, -1: none
		}{
			{"nothing", nil, nil, -1},
			{"one block", []int{5}, nil, -1},
			{"a run of blocks", []int{7, 8, 9}, nil, -1},
			{"both blocks of a codeword", []int{1, 1 + i.rounds}, nil, -1},
			{"three blocks of a codeword", []int{0, i.rounds, 2 * i.rounds}, nil, 0},
			{"the top of the tree", nil, []int{1}, -1},
			{"tree blocks", nil, []int{1, 3}, -1},
			{"a tree block and data under it", []int{130, 255}, []int{3}, -1},
		} {
			t.Run(options+test.name, func(t *testing.T) {
				t.Parallel()
				data, hash := slices.Clone(i.data), slices.Clone(i.hash)
				for _, b := range test.data {
					spoil(data, b)
				}
				for _, b := range test.hash {
					spoil(hash, b)
				}
				v := i.open(t, data, hash)
				got := make([]byte, len(i.data))
				for range 2 {
					n, err := v.ReadAt(got, 0)
					if test.lost >= 0 {
						if n != test.lost*4096 || !errors.Is(err, verity.ErrCorrupt) {
							t.Fatalf("ReadAt = %d, %v, want the block %d to be lost", n, err, test.lost)
						}
						return
					}
					if err != nil || !bytes.Equal(got, i.data) {
						t.Fatalf("ReadAt = %d, %v; right bytes: %v", n, err, bytes.Equal(got, i.data))
					}
				}
			})
		}
	}
}

// spoil inverts a stretch of a 4096-byte block.
func spoil(p []byte, block int) {
	for i := range 300 {
		p[block*4096+100+i] ^= 0xff
	}
}

// TestVerityParityIgnoreCorruption: parity first, then what stands there.
func TestVerityParityIgnoreCorruption(t *testing.T) {
	t.Parallel()
	i := newParityImage(t, "ignore_corruption ")
	data := slices.Clone(i.data)
	for _, b := range []int{4, 0, i.rounds, 2 * i.rounds} { // 4 can be recovered, the others not
		spoil(data, b)
	}
	want := slices.Clone(data)
	copy(want[4*4096:5*4096], i.data[4*4096:])
	got := make([]byte, len(want))
	if _, err := i.open(t, data, i.hash).ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadAt: %v; right bytes: %v", err, bytes.Equal(got, want))
	}
}

// TestVerityParityZeroBlocks: with ignore_zero_blocks, what stands in blocks that
// should be zero does not matter for the recovery of others.
func TestVerityParityZeroBlocks(t *testing.T) {
	t.Parallel()
	for _, options := range []string{"", "ignore_zero_blocks "} {
		i := newParityImage(t, options)
		data, damaged := slices.Clone(i.data), zeroBlocks[0]-i.rounds
		for _, b := range append(zeroBlocks, damaged) {
			spoil(data, b)
		}
		got := make([]byte, 4096)
		_, err := i.open(t, data, i.hash).ReadAt(got, int64(damaged)*4096)
		switch {
		case options == "" && !errors.Is(err, verity.ErrCorrupt):
			t.Errorf("three blocks of a codeword: %v, want ErrCorrupt", err)
		case options != "" && (err != nil || !bytes.Equal(got, i.data[damaged*4096:][:4096])):
			t.Errorf("%s: %v, or other bytes", options, err)
		}
	}
}

// TestVerityParityCovers refuses what a kernel refuses at load: parity that does not
// cover all data and the whole tree, or covers more than there is.
func TestVerityParityCovers(t *testing.T) {
	t.Parallel()
	i := newParityImage(t, "")
	tree := len(i.hash)/4096 - 1 // behind the block where a superblock would be
	for _, test := range []struct {
		blocks int
		want   error
	}{
		{parityBlocks - 1, verity.ErrBadParams},
		{parityBlocks, verity.ErrBadParams},
		{parityBlocks + tree - 1, verity.ErrBadParams},
		{parityBlocks + tree, nil},
		{parityBlocks + tree + 2, volume.ErrDeviceTooSmall},
	} {
		table := strings.Replace(i.table, fmt.Sprintf("fec_blocks %d", parityBlocks+tree), fmt.Sprintf("fec_blocks %d", test.blocks), 1)
		f := &volumetest.Files{Devices: map[string]*volumetest.Memory{
			"data": volumetest.NewMemory(i.data), "hash": volumetest.NewMemory(i.hash), "parity": volumetest.NewMemory(i.parity),
		}}
		v, err := volume.Open(volume.Options{Open: f.Open}, parse(t, table)...)
		if !errors.Is(err, test.want) {
			t.Errorf("fec_blocks %d: %v, want %v", test.blocks, err, test.want)
		}
		if err == nil {
			_ = v.Close()
		}
	}
}
