package cli

import (
	"encoding/hex"
	"fmt"
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// updateReport is the JSON of update.
type updateReport struct {
	RootHash          string    `json:"root_hash"`
	OldRootHash       *string   `json:"old_root_hash"` // null where nothing says it: an image of one block has no tree
	DataBlocks        uint64    `json:"data_blocks"`
	DataBlockSize     int       `json:"data_block_size"`
	ListedBlocks      uint64    `json:"listed_blocks"`  // data blocks that were said to have changed
	ChangedBlocks     uint64    `json:"changed_blocks"` // those whose digests have
	ChangedBytes      uint64    `json:"changed_bytes"`
	HashBlocksWritten int64     `json:"hash_blocks_written"`
	HashBytesWritten  int64     `json:"hash_bytes_written"`
	FECUpdate         parityWay `json:"fec_update"` // none, difference or codewords
	FECBytesWritten   int64     `json:"fec_bytes_written"`
	DryRun            bool      `json:"dry_run"` // nothing was written
}

func (j *updateJob) report() *updateReport {
	return &updateReport{
		RootHash: hex.EncodeToString(j.result.Root), OldRootHash: orNull(hex.EncodeToString(j.result.OldRoot)),
		DataBlocks: j.params.DataBlocks, DataBlockSize: j.params.DataBlockSize,
		ListedBlocks: j.result.ListedBlocks, ChangedBlocks: j.result.ChangedBlocks,
		ChangedBytes:      j.result.ChangedBlocks * uint64(j.params.DataBlockSize),
		HashBlocksWritten: j.written[treeArea] / int64(j.params.HashBlockSize), HashBytesWritten: j.written[treeArea],
		FECUpdate: j.way, FECBytesWritten: j.written[parityArea],
		DryRun: j.o.dryRun,
	}
}

// orNull is for JSON: an empty text is null.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// print writes the report; as text it is the root hash alone.
func (r *updateReport) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return ui.WriteJSON(w, r)
	}
	_, err := fmt.Fprintln(w, r.RootHash)
	return err
}
