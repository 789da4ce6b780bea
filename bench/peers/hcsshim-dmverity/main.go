// Command hcsshim-dmverity makes a hash tree with hcsshim's ext4/dmverity, for
// the benchmarks: hcsshim-dmverity DATA TREE. TREE is what
// "veritysetup format --no-superblock" makes with a salt of 32 zero bytes, which
// that package has fixed; the root hash goes to standard output.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/Microsoft/hcsshim/ext4/dmverity"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: hcsshim-dmverity DATA TREE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "hcsshim-dmverity:", err)
		os.Exit(1)
	}
}

// run reads as hcsshim's own dmverity-vhd does, through a buffer of the size that
// the package gives for it.
func run(data, out string) error {
	file, err := os.Open(data)
	if err != nil {
		return err
	}
	defer file.Close()
	tree, err := dmverity.MerkleTree(bufio.NewReaderSize(file, dmverity.MerkleTreeBufioSize))
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, tree, 0o600); err != nil {
		return err
	}
	_, err = fmt.Printf("%x\n", dmverity.RootHash(tree))
	return err
}
