package verity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// recordedCase is one recorded run of veritysetup format. testdata/README.md
// tells the origin.
type recordedCase struct {
	ID            string
	Hash          string
	Format        int
	DataBlockSize int `json:"data_block_size"`
	HashBlockSize int `json:"hash_block_size"`
	Superblock    bool
	Salt          string
	SameFile      bool  `json:"same_file"`
	HashOffset    int64 `json:"hash_offset"`
	Data          struct {
		Kind, Seed, SHA256 string
		Size               int
	}
	Expected struct {
		DataBlocks    uint64 `json:"data_blocks"`
		RootHash      string `json:"root_hash"`
		HashSize      int    `json:"hash_size"`
		HashSHA256    string `json:"hash_sha256"`
		FileSize      int    `json:"file_size"`
		FileSHA256    string `json:"file_sha256"`
		SuperblockHex string `json:"superblock_hex"`
	}
}

func (c *recordedCase) params(t *testing.T) Params {
	start, err := HashStart(c.HashOffset, c.Superblock, c.HashBlockSize)
	if err != nil {
		t.Fatal(err)
	}
	return Params{
		HashType: c.Format, Algorithm: c.Hash, DataBlockSize: c.DataBlockSize, HashBlockSize: c.HashBlockSize,
		DataBlocks: c.Expected.DataBlocks, HashStartBlock: start, Salt: fromHex(t, c.Salt),
	}
}

// superblock is the one that the recorded run wrote.
func (c *recordedCase) superblock(t *testing.T, uuid []byte) *Superblock {
	return &Superblock{
		HashType: uint32(c.Format), UUID: [16]byte(uuid), Algorithm: c.Hash,
		DataBlockSize: uint32(c.DataBlockSize), HashBlockSize: uint32(c.HashBlockSize),
		DataBlocks: c.Expected.DataBlocks, Salt: fromHex(t, c.Salt),
	}
}

func TestRecordedCases(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "verity_cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []recordedCase }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != 21 {
		t.Fatalf("verity_cases.json: got %d cases, want 21", len(file.Cases))
	}
	uuid := fromHex(t, "a60c98d2ae9b4865bfcbb4e3ace11033")
	for _, c := range file.Cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			data := &memory{b: described(t, c.Data.Kind, c.Data.Seed, c.Data.Size, c.DataBlockSize)}
			if got := sha256.Sum256(data.b); hex.EncodeToString(got[:]) != c.Data.SHA256 {
				t.Fatalf("data: got SHA-256 %x, want %s", got, c.Data.SHA256)
			}
			c.build(t, data, uuid)
			if !c.SameFile {
				c.stream(t, data.b)
			}
		})
	}
}

// build runs the case through Build, Check and Device.
func (c *recordedCase) build(t *testing.T, data *memory, uuid []byte) {
	p := c.params(t)
	plain := bytes.Clone(data.b)
	hash, wantSize, wantSum := new(memory), c.Expected.HashSize, c.Expected.HashSHA256
	if c.SameFile {
		hash, wantSize, wantSum = data, c.Expected.FileSize, c.Expected.FileSHA256
	}
	root, err := Build(context.Background(), data, hash, p)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(root); got != c.Expected.RootHash {
		t.Errorf("root hash: got %s, want %s", got, c.Expected.RootHash)
	}
	if c.Superblock {
		c.checkSuperblock(t, hash, uuid, p)
	}
	pad := make([]byte, max(0, wantSize-len(hash.b))) // veritysetup fills the block of the superblock
	if len(pad) > 0 {
		hash.WriteAt(pad, int64(len(hash.b)))
	}
	if got := sha256.Sum256(hash.b); len(hash.b) != wantSize || hex.EncodeToString(got[:]) != wantSum {
		t.Errorf("hash file: got %d bytes with SHA-256 %x, want %d with %s", len(hash.b), got, wantSize, wantSum)
	}
	report, err := Check(context.Background(), data, hash, p, root)
	if err != nil || !report.OK() {
		t.Errorf("check: got %+v, %v, want OK", report, err)
	}
	d, err := NewDevice(data, hash, p, root)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(plain))
	if n, err := d.ReadAt(got, 0); n != len(got) || err != nil || !bytes.Equal(got, plain) {
		t.Errorf("device: got %d bytes, %v, want the %d bytes of data", n, err, len(plain))
	}
}

// checkSuperblock writes the superblock, compares it with the recorded one and
// reads it back.
func (c *recordedCase) checkSuperblock(t *testing.T, hash *memory, uuid []byte, p Params) {
	sb := c.superblock(t, uuid)
	b, err := sb.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if c.Expected.SuperblockHex != "" && hex.EncodeToString(b) != c.Expected.SuperblockHex {
		t.Errorf("superblock: got %x, want %s", b, c.Expected.SuperblockHex)
	}
	if err := WriteSuperblock(hash, c.HashOffset, sb); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSuperblock(hash, c.HashOffset)
	if err != nil {
		t.Fatal(err)
	}
	q, err := got.Params(c.HashOffset)
	if err != nil || !sameTree(p, q) {
		t.Errorf("parameters of the superblock: got %+v, %v, want %+v", q, err, p)
	}
}

// sameTree reports whether both describe the same tree.
func sameTree(p, q Params) bool {
	return p.HashType == q.HashType && p.Algorithm == q.Algorithm && p.DataBlockSize == q.DataBlockSize &&
		p.HashBlockSize == q.HashBlockSize && p.DataBlocks == q.DataBlocks &&
		p.HashStartBlock == q.HashStartBlock && bytes.Equal(p.Salt, q.Salt)
}

// stream runs the case through Writer, with the size unknown.
func (c *recordedCase) stream(t *testing.T, data []byte) {
	p := c.params(t)
	p.DataBlocks = 0
	hash := new(memory)
	w, err := NewWriter(hash, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	root, done, err := w.Finish(context.Background())
	if got := hex.EncodeToString(root); err != nil || got != c.Expected.RootHash {
		t.Errorf("stream: got root hash %s, %v, want %s", got, err, c.Expected.RootHash)
	}
	if !sameTree(done, c.params(t)) {
		t.Errorf("stream: got parameters %+v, want %+v", done, c.params(t))
	}
}
