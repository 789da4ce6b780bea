//go:build (amd64 || arm64) && !purego

package multihash

// job is what a kernel is told about the groups of blocks that it hashes, one
// block in each lane. Places are offsets, so that a job has no pointers and can
// lie on the stack. Behind it is memory of the kind of kernel. The generator in
// _asm reads this file; in the assembly of arm64 the offsets are numbers.
type job struct {
	phases [4]phase // what the states are fed with, one after the other
	live   int      // how many of them there are, one or more
	resume int      // 1: go on with the states that the last call left
	finish int      // 1: write digests after the last phase
	block  int      // bytes of a block
	state  [64]byte // what every lane begins with
}

// phase is a run of pieces for every lane that lie one behind the other: 64 bytes
// of SHA-256, 128 of SHA-512.
type phase struct {
	inJob  int // 0: offset counts from the first block of the group; 1: from the job
	offset int // bytes to the first piece of the first lane
	lane   int // bytes from there to that of the next lane; 0: all lanes have the same pieces
	count  int // pieces, one or more
	ahead  int // bytes from a piece to what is to be fetched into the cache meanwhile
}

// maxSuffix is the longest suffix, in bytes, that kernels take.
const maxSuffix = 256

// ending has room for the last pieces of a message: what is left of the block, a
// suffix of maxSuffix and the padding; behind them a kernel may read one piece more.
type ending [512 + 128]byte

// lane is room for a piece that is made of two parts, one of them copied from the
// block as a whole piece, of which what is too much is overwritten or unused.
type lane [128]byte

// pieceJob is the job of a kernel that reads pieces where they are.
type pieceJob struct {
	job
	head   int         // offset that the first piece of a block is copied to for the first lane; 0: none is
	tail   int         // offset that the last piece of a block is copied to
	states [4][32]byte // of the lanes, between pieces
	heads  [4]lane     // the end of the prefix, then the start of the block
	tails  [4]lane     // from the second half on: the end of the block, then what comes after it
	ending ending
}

// lineJob is the job of a kernel that reads lines of a block, each as large as a
// piece, and takes pieces out of the words of two lines. It takes only heads of
// whole words and blocks of whole lines.
type lineJob struct {
	job
	digest int        // bytes of a digest
	window int        // bytes in the frame of the kernel to the first word of the first piece
	head   [128]byte  // words before the block: a line that ends with the end of the prefix
	states [512]byte  // of all lanes between calls, word by word
	before [1024]byte // words of the last line between calls
	ending ending
}
