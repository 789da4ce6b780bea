package manifest

// Version is the version of the documents that this package reads and writes.
const Version = 1

// kind is the value of the first key, for people and programs that meet the file.
const kind = "dm-verity-manifest"

// MaxSize bounds a document, in bytes.
const MaxSize = 64 << 10

// Places say which file an area is in.
const (
	InFile = "file" // one of its own
	InData = "data" // the data
	InTree = "tree" // the one of the tree (parity only)
)

// Tails say what became of bytes at the end of the data that fill no block.
const (
	TailNone     = "none"     // there were none, or the number of blocks was given
	TailPad      = "pad"      // they count as a block that ends in zeros
	TailTruncate = "truncate" // they are no part of the image
)

// Manifest is a whole document. The order of the fields is that of the keys.
type Manifest struct {
	Kind    string `json:"kind"`    // set by [Manifest.Encode]
	Version int    `json:"version"` // likewise

	RootHash Hex `json:"root_hash"`
	// PartitionUUIDs follow from RootHash, see [PartitionUUIDsOf]; nil if the tree
	// is in the data, or RootHash too short.
	PartitionUUIDs *PartitionUUIDs `json:"partition_uuids,omitempty"`
	Data           Data            `json:"data"`
	Tree           Tree            `json:"tree"`
	Parity         *Parity         `json:"fec,omitempty"`            // nil without
	RootHashFile   *File           `json:"root_hash_file,omitempty"` // the root hash in hex; nil without
	Signature      *File           `json:"signature,omitempty"`      // of the root hash; nil if none was given
	Emit           *Emit           `json:"emit,omitempty"`           // nil if nothing was asked for
}

// Data says how much of the data is hashed. What it holds is proven by the root hash.
type Data struct {
	Bytes     int64  `json:"bytes"` // from its start: the blocks, less what TailPad adds
	BlockSize int    `json:"block_size_bytes"`
	Blocks    uint64 `json:"blocks"`
	Tail      string `json:"tail"`
}

// File is a file without its directory.
type File struct {
	Name string `json:"name"`
	// Content is nil where only a part of the file was written, as in a block device.
	*Content
}

// Content describes all bytes of a file.
type Content struct {
	Bytes  int64 `json:"bytes"`
	SHA256 Hex   `json:"sha256"`
}

// Tree says how the hash tree is made and where it lies.
type Tree struct {
	In   string `json:"in"`             // InFile or InData
	File *File  `json:"file,omitempty"` // set for InFile

	HashType   int    `json:"hash_type"`
	Algorithm  string `json:"algorithm"` // as in the superblock
	Salt       Salt   `json:"salt"`
	Superblock bool   `json:"superblock"`
	UUID       *UUID  `json:"uuid,omitempty"` // of the superblock; nil without

	BlockSize  int    `json:"block_size_bytes"`
	Offset     int64  `json:"offset_bytes"` // of the superblock, or of the tree without one
	StartBlock uint64 `json:"start_block"`  // of the tree, in hash blocks from the start of the file
	Blocks     uint64 `json:"blocks"`       // of all levels; 0 for one block of data
	// SHA256 is the digest of the superblock, if there is one, and the blocks of the
	// tree, without what lies between them.
	SHA256 Hex `json:"sha256"`
}

// Parity says how the Reed-Solomon parity is made and where it lies.
type Parity struct {
	In            string `json:"in"`             // InFile, InData or InTree
	File          *File  `json:"file,omitempty"` // set for InFile
	Roots         int    `json:"roots"`
	Offset        int64  `json:"offset_bytes"`
	Bytes         int64  `json:"bytes"`
	CoveredBlocks uint64 `json:"covered_blocks"` // data, tree and what else is in the file of the tree
	SHA256        Hex    `json:"sha256"`         // of the parity
}

// Emit says which texts for the place of use were asked for, and with which words. The
// words name devices there; they are never opened.
type Emit struct {
	Forms         []string `json:"forms"`
	Name          string   `json:"name,omitempty"` // of the mapping
	Data          string   `json:"data,omitempty"`
	Tree          string   `json:"hash,omitempty"`
	Parity        string   `json:"fec,omitempty"`
	PartitionType string   `json:"partition_type,omitempty"`
}
