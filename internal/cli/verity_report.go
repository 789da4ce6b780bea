package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// Styles of the text report: veritysetup changed it in 2.8.
const (
	compat26 = "2.6"
	compat28 = "2.8"
)

// verityReport is what format and dump print. The JSON keys are fixed.
type verityReport struct {
	RootHash      string `json:"root_hash,omitempty"` // format only
	Salt          string `json:"salt"`                // hex, "-" for none
	UUID          string `json:"uuid"`                // "" without superblock
	HashType      int    `json:"hash_type"`
	DataBlocks    uint64 `json:"data_blocks"`
	DataBlockSize int    `json:"data_block_size"`
	HashBlocks    uint64 `json:"hash_blocks"` // of all levels
	HashBlockSize int    `json:"hash_block_size"`
	HashAlgorithm string `json:"hash_algorithm"`
	HashBytes     int64  `json:"hash_bytes"`  // of the hash area, the superblock's block included
	HashOffset    int64  `json:"hash_offset"` // where the hash area begins
	FECRoots      int    `json:"fec_roots"`   // 0 without FEC
	FECBlocks     uint64 `json:"fec_blocks"`
	FECBytes      int64  `json:"fec_bytes"`

	HashName   string `json:"-"` // of the hash device, for the title
	GivenHash  string `json:"-"` // the algorithm as the user spelled it; "" for HashAlgorithm
	FECOwnFile bool   `json:"-"` // parity has a file of its own, from offset 0 on
	FECInHash  bool   `json:"-"` // parity is in HASH: veritysetup counts it there
}

// newVerityReport fills a report from a tree's parameters.
func newVerityReport(p verity.Params, l verity.Layout, hashOffset int64, hashName string) verityReport {
	return verityReport{
		Salt: saltText(p.Salt), HashType: p.HashType,
		DataBlocks: l.DataBlocks(), DataBlockSize: p.DataBlockSize,
		HashBlocks: l.HashBlocks(), HashBlockSize: p.HashBlockSize,
		HashAlgorithm: p.Algorithm, HashName: hashName,
		HashBytes: l.HashEndOffset() - hashOffset, HashOffset: hashOffset,
	}
}

// addFEC adds the parity at offset of its device, which may be HASH.
func (r *verityReport) addFEC(p fec.Params, inHash bool, offset int64) {
	r.FECRoots, r.FECBytes, r.FECBlocks = p.Roots, p.ParityBytes(), p.ParityBlocks()
	r.FECOwnFile, r.FECInHash = !inHash && offset == 0, inHash
}

// writeText prints the report as veritysetup of the given style does, byte for
// byte: each label is padded with blanks to a width of its own and followed by a TAB.
func (r verityReport) writeText(w io.Writer, style string) error {
	title, unit := "VERITY header information for "+r.HashName, ""
	if style != compat26 {
		title, unit = title+".", " [bytes]"
	}
	var b strings.Builder
	b.WriteString(title + "\n")
	line := func(width int, label string, value any) {
		fmt.Fprintf(&b, "%-*s\t%v\n", width, label+":", value)
	}
	line(17, "UUID", r.UUID)
	line(17, "Hash type", r.HashType)
	line(17, "Data blocks", r.DataBlocks)
	line(17, "Data block size", fmt.Sprint(r.DataBlockSize, unit))
	line(17, "Hash blocks", r.HashBlocks)
	line(17, "Hash block size", fmt.Sprint(r.HashBlockSize, unit))
	line(17, "Hash algorithm", cmp.Or(r.GivenHash, r.HashAlgorithm))
	if r.FECRoots != 0 {
		line(16, "FEC RS roots", r.FECRoots)
		line(16, "FEC blocks", r.FECBlocks)
	}
	line(17, "Salt", r.Salt)
	if r.RootHash != "" {
		line(16, "Root hash", r.RootHash)
	}
	if r.HashOffset == 0 {
		size := r.HashBytes
		if r.FECInHash {
			size += r.FECBytes
		}
		line(18, "Hash device size", fmt.Sprint(size, " [bytes]"))
	}
	if r.FECRoots != 0 && r.FECOwnFile {
		line(17, "FEC device size", fmt.Sprint(r.FECBytes, " [bytes]"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
