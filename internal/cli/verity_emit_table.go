package cli

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/tables"
)

// table is the verity table that maps the image, with partitions named in the given
// way.
func (j *verityJob) table(way string) (t tables.VerityTable, err error) {
	w, err := j.placeWords(way)
	if err != nil {
		return t, err
	}
	t = tables.VerityTable{
		Length: uint64(j.layout.DataBytes()), HashType: uint64(j.params.HashType),
		DataDevice: w.data, HashDevice: w.hash,
		DataBlockSize: uint64(j.params.DataBlockSize), HashBlockSize: uint64(j.params.HashBlockSize),
		NumDataBlocks: j.params.DataBlocks, HashStartBlock: j.params.HashStartBlock,
		Algorithm: kernelHash(j.params.Algorithm), Salt: saltText(j.params.Salt), Digest: hex.EncodeToString(j.root),
	}
	if j.o.fec.device != "" {
		if j.o.fec.offset%int64(j.fec.BlockSize) != 0 {
			return t, ui.Usagef("--emit: no table can say --fec-offset %d, which is not a multiple of the block size %d", j.o.fec.offset, j.fec.BlockSize)
		}
		t.Params = []string{
			"use_fec_from_device", w.fec, "fec_blocks", fmt.Sprint(j.fec.Blocks),
			"fec_start", fmt.Sprint(j.o.fec.offset / int64(j.fec.BlockSize)), "fec_roots", fmt.Sprint(j.fec.Roots),
		}
	}
	return t, nil
}

// emitTable makes a line for dmsetup(8).
func emitTable(j *verityJob) (string, error) {
	t, err := j.table(byLink)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := tables.Format(&b, t); err != nil {
		return "", &ui.Error{Code: ui.ExitWrongUse, Err: fmt.Errorf("--emit dmtable: %w", err)}
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// emitDMMod makes the argument with which a kernel maps the image before it starts
// anything (Documentation/admin-guide/device-mapper/dm-init.rst).
func emitDMMod(j *verityJob) (string, error) {
	t, err := j.table(byTag)
	if err != nil {
		return "", err
	}
	text, err := tables.FormatCreate(tables.Device{Name: j.mapName(), ReadOnly: true, Tables: []tables.Table{t}})
	if err != nil {
		return "", &ui.Error{Code: ui.ExitWrongUse, Err: fmt.Errorf("--emit dm-mod: %w", err)}
	}
	return text, nil
}
