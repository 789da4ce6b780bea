package cli

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/hashes"
	"github.com/dmimg/dmimg/tables"
)

// emitForms lists what --emit can print, in the order in which it does.
var emitForms = []struct {
	name string
	text func(j *verityJob) (string, error)
}{
	{"veritytab", emitVeritytab},
	{"dmtable", emitTable},
	{"dm-mod", emitDMMod},
	{"cmdline", emitCmdline},
	{"repart", emitRepart},
}

func emitNames() string {
	var names []string
	for _, f := range emitForms {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// parseEmit reads the value of --emit.
func parseEmit(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	names := strings.Split(list, ",")
	for _, name := range names {
		known := false
		for _, f := range emitForms {
			known = known || f.name == name
		}
		if !known {
			return nil, ui.Usagef("--emit %q: known are %s", name, emitNames())
		}
	}
	return names, nil
}

// emitted makes the texts that --emit asks for.
func (j *verityJob) emitted() (texts map[string]string, err error) {
	texts = make(map[string]string)
	for _, f := range emitForms {
		for _, name := range j.o.emit {
			if name != f.name {
				continue
			}
			if texts[name], err = f.text(j); err != nil {
				return nil, err
			}
		}
	}
	return texts, nil
}

// print writes the report and the texts that --emit asked for.
func (j *verityJob) print(w io.Writer, texts map[string]string) error {
	r := newVerityReport(j.params, j.layout, j.o.geometry.hashOffset, cmp.Or(j.o.shown.hash, j.o.hash))
	r.RootHash, r.GivenHash = hex.EncodeToString(j.root), j.o.geometry.hashAsGiven
	if !j.o.geometry.noSuperblock {
		r.UUID = cmp.Or(j.o.shown.uuid, formatUUID(j.uuid))
	}
	if j.parity != nil {
		r.addFEC(j.fec, j.parity == j.hash, j.o.fec.offset)
	}
	if j.o.json {
		return ui.WriteJSON(w, struct {
			verityReport
			Emit map[string]string `json:"emit,omitempty"`
		}{r, texts})
	}
	if err := r.writeText(w, j.o.style); err != nil {
		return err
	}
	for _, f := range emitForms {
		if text, ok := texts[f.name]; ok {
			if _, err := fmt.Fprintf(w, "\n# %s\n%s\n", f.name, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// mapName is the name of the mapping: that of DATA without directory and suffix,
// as far as it is made of letters, digits, dots, dashes and underscores.
func (j *verityJob) mapName() string {
	name, _, _ := strings.Cut(filepath.Base(j.o.data), ".")
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return -1
	}, name)
	if name == "" || name == "-" {
		return "root"
	}
	return name
}

// dataWord is DATA as the texts name it; a stream has no name yet.
func (j *verityJob) dataWord() string {
	if j.o.data == "-" {
		return "DATA"
	}
	return j.o.data
}

// emitVeritytab makes a line of veritytab(5). Without a superblock the options
// carry the geometry, which systemd understands since version 254.
func emitVeritytab(j *verityJob) (string, error) {
	line := fmt.Sprintf("%s %s %s %x", j.mapName(), j.dataWord(), j.o.hash, j.root)
	if options := j.systemdOptions(); options != "" {
		line += " " + options
	}
	return line, nil
}

// systemdOptions are the veritytab(5) options that the tree needs.
func (j *verityJob) systemdOptions() string {
	var o []string
	add := func(format string, args ...any) { o = append(o, fmt.Sprintf(format, args...)) }
	if j.o.geometry.hashOffset != 0 {
		add("hash-offset=%d", j.o.geometry.hashOffset)
	}
	if j.o.geometry.noSuperblock {
		add("superblock=no")
		add("format=%d", j.params.HashType)
		add("data-block-size=%d", j.params.DataBlockSize)
		add("hash-block-size=%d", j.params.HashBlockSize)
		add("data-blocks=%d", j.params.DataBlocks)
		add("salt=%s", saltText(j.params.Salt))
		add("hash=%s", j.params.Algorithm)
	}
	if j.parity != nil {
		add("fec-device=%s", j.o.fec.device)
		add("fec-offset=%d", j.o.fec.offset)
		add("fec-roots=%d", j.fec.Roots)
	}
	return strings.Join(o, ",")
}

// table is the verity table that maps the image.
func (j *verityJob) table() (t tables.VerityTable, err error) {
	t = tables.VerityTable{
		Length: uint64(j.layout.DataBytes()), HashType: uint64(j.params.HashType),
		DataDevice: j.dataWord(), HashDevice: j.o.hash,
		DataBlockSize: uint64(j.params.DataBlockSize), HashBlockSize: uint64(j.params.HashBlockSize),
		NumDataBlocks: j.params.DataBlocks, HashStartBlock: j.params.HashStartBlock,
		Algorithm: j.params.Algorithm, Salt: saltText(j.params.Salt), Digest: hex.EncodeToString(j.root),
	}
	if a, err := hashes.Lookup(t.Algorithm); err == nil {
		t.Algorithm = a.Name // the kernel's spelling
	}
	if j.parity != nil {
		if j.o.fec.offset%int64(j.fec.BlockSize) != 0 {
			return t, ui.Usagef("--emit: no table can say --fec-offset %d, which is not a multiple of the block size %d", j.o.fec.offset, j.fec.BlockSize)
		}
		t.Params = []string{
			"use_fec_from_device", j.o.fec.device, "fec_blocks", fmt.Sprint(j.fec.Blocks),
			"fec_start", fmt.Sprint(j.o.fec.offset / int64(j.fec.BlockSize)), "fec_roots", fmt.Sprint(j.fec.Roots),
		}
	}
	return t, nil
}

func emitTable(j *verityJob) (string, error) {
	t, err := j.table()
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = tables.Format(&b, t)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func emitDMMod(j *verityJob) (string, error) {
	t, err := j.table()
	if err != nil {
		return "", err
	}
	return tables.FormatCreate(tables.Device{Name: j.mapName(), ReadOnly: true, Tables: []tables.Table{t}})
}

// emitCmdline makes the kernel command line for systemd-veritysetup-generator(8).
func emitCmdline(j *verityJob) (string, error) {
	line := fmt.Sprintf("systemd.verity=yes roothash=%x systemd.verity_root_data=%s systemd.verity_root_hash=%s", j.root, j.dataWord(), j.o.hash)
	if options := j.systemdOptions(); options != "" {
		line += " systemd.verity_root_options=" + options
	}
	return line, nil
}

// repartPartition has the field names of `systemd-repart --json`.
type repartPartition struct {
	Type     string `json:"type"`
	Label    string `json:"label"`
	UUID     string `json:"uuid"`
	File     string `json:"file"`
	RawSize  int64  `json:"raw_size"`
	RootHash string `json:"roothash,omitempty"`
}

// emitRepart makes the two partitions of the discoverable partitions specification:
// the data partition's UUID is the first half of the root hash, the hash
// partition's the last.
func emitRepart(j *verityJob) (string, error) {
	if len(j.root) < 16 {
		return "", ui.Failf("--emit repart: a root hash of %d bytes is too short for two partition UUIDs", len(j.root))
	}
	text, err := json.Marshal([]repartPartition{
		{Type: "root", Label: j.mapName(), UUID: formatUUID([16]byte(j.root[:16])), File: j.dataWord(), RawSize: j.layout.DataBytes()},
		{
			Type: "root-verity", Label: j.mapName() + "-verity", UUID: formatUUID([16]byte(j.root[len(j.root)-16:])), File: j.o.hash,
			RawSize: j.layout.HashEndOffset(), RootHash: hex.EncodeToString(j.root),
		},
	})
	return string(text), err
}
