package verity

// Range is a run of blocks, both ends included.
type Range struct{ First, Last uint64 }

// Report is the result of [Check]. The lists are in ascending order and merged:
// neighbouring blocks are one range.
type Report struct {
	// RootOK says that the top of the tree, as stored or as rebuilt from what is
	// below it, has the root hash asked for. Where it is false nothing is
	// proven, and the lists compare the data with the tree that is stored.
	RootOK bool
	// Root is the digest of the top of the tree: the root hash asked for when
	// RootOK, otherwise the one that is there instead.
	Root []byte
	// Data lists damaged data blocks.
	Data []Range
	// Tree lists damaged hash blocks, counted from the start of the hash device.
	Tree []Range
	// Unproven lists data blocks of which nothing can be said because the tree
	// above them is damaged beyond what the data can restore.
	Unproven []Range
	// More is set when there were more ranges than are listed.
	More bool
}

// OK reports whether every block is proven and nothing is damaged.
func (r *Report) OK() bool {
	return r.RootOK && len(r.Data) == 0 && len(r.Tree) == 0 && len(r.Unproven) == 0
}
