package cli

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/manifest"
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

// emitOptions say which texts for the place of use are printed, and what devices are
// called there.
type emitOptions struct {
	forms           []string
	name            string // of the mapping; "": see [verityJob.mapName]
	data, hash, fec string // words; "": see [verityJob.placeWords]
	partitionType   string // "": the image is not known to be in partitions
}

func emitFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.StringFlag{Name: "emit", Usage: "also print what activates the image, `FORM`s separated by commas: " + emitNames()},
		&urfave.StringFlag{Name: "emit-name", Usage: "`NAME` of the mapping in these texts (default: made from DATA)"},
		&urfave.StringFlag{Name: "emit-data", Usage: "what DATA is called where the texts are used, such as /dev/vda2 (default: as here)"},
		&urfave.StringFlag{Name: "emit-hash", Usage: "what HASH is called there"},
		&urfave.StringFlag{Name: "emit-fec", Usage: "what the FEC device is called there"},
		&urfave.StringFlag{Name: "partition-type", Usage: "DATA and HASH will be GPT partitions of `TYPE` root, usr, root-x86-64 …: call them by the UUIDs that the root hash gives them"},
	}
}

func emitNames() string {
	var names []string
	for _, f := range emitForms {
		names = append(names, f.name)
	}
	return strings.Join(names, ", ")
}

// emitOptionsOf reads the flags of emitFlags.
func emitOptionsOf(c *urfave.Context) (e emitOptions, err error) {
	e = emitOptions{
		name: c.String("emit-name"), data: c.String("emit-data"), hash: c.String("emit-hash"), fec: c.String("emit-fec"),
		partitionType: c.String("partition-type"),
	}
	if e.forms, err = parseEmit(c.String("emit")); err != nil {
		return e, err
	}
	for _, flag := range []string{"emit-name", "emit-data", "emit-hash", "emit-fec", "partition-type"} {
		if c.IsSet(flag) && c.String(flag) == "" {
			return e, ui.Usagef("--%s: the word is empty", flag)
		}
	}
	return e, checkPartitionType(e.partitionType)
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

// words are what a manifest records of e.
func (e emitOptions) words() *manifest.Emit {
	if len(e.forms) == 0 {
		return nil
	}
	m := &manifest.Emit{Name: e.name, Data: e.data, Tree: e.hash, Parity: e.fec, PartitionType: e.partitionType}
	for _, f := range emitForms {
		if slices.Contains(e.forms, f.name) {
			m.Forms = append(m.Forms, f.name)
		}
	}
	return m
}

// fillFrom takes from a manifest what the flags left open.
func (e *emitOptions) fillFrom(m *manifest.Emit) (err error) {
	if m == nil {
		return nil
	}
	if e.forms == nil {
		if e.forms, err = parseEmit(strings.Join(m.Forms, ",")); err != nil {
			return err
		}
	}
	e.name, e.data, e.hash = cmp.Or(e.name, m.Name), cmp.Or(e.data, m.Data), cmp.Or(e.hash, m.Tree)
	e.fec, e.partitionType = cmp.Or(e.fec, m.Parity), cmp.Or(e.partitionType, m.PartitionType)
	return checkPartitionType(e.partitionType)
}

// check finds what cannot be emitted before anything is hashed: it makes the texts
// for a root hash of zeros.
func (j *verityJob) checkEmit() error {
	e := j.o.emit
	if len(e.forms) == 0 {
		if e.name+e.data+e.hash+e.fec+e.partitionType != "" {
			return ui.Usagef("--emit-name, --emit-data, --emit-hash, --emit-fec and --partition-type say nothing without --emit")
		}
		return nil
	}
	if err := unusedFlag(e.fec != "" && j.o.fec.device == "", "emit-fec", "only with --fec-device"); err != nil {
		return err
	}
	if err := unusedFlag(e.partitionType != "" && j.hashInData(), "partition-type", "HASH is in DATA, but must be a partition of its own"); err != nil {
		return err
	}
	trial := *j
	trial.root = make([]byte, j.layout.DigestSize())
	trial.params.DataBlocks, trial.fec.Blocks = j.layout.DataBlocks(), j.layout.DataBlocks()
	trial.fec.BlockSize, trial.fec.Roots = j.params.DataBlockSize, j.o.fec.roots
	_, err := trial.emitted()
	return err
}

// emitted makes the texts that --emit asks for.
func (j *verityJob) emitted() (texts map[string]string, err error) {
	texts = make(map[string]string)
	for _, f := range emitForms {
		if !slices.Contains(j.o.emit.forms, f.name) {
			continue
		}
		if texts[f.name], err = f.text(j); err != nil {
			return nil, err
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
	if j.o.fec.device != "" {
		r.addFEC(j.fec, j.parity == j.hash, j.o.fec.offset)
	}
	if j.o.json {
		return j.printJSON(w, r, texts)
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

// printJSON adds to the report what veritysetup's has no line for.
func (j *verityJob) printJSON(w io.Writer, r verityReport, texts map[string]string) error {
	document := struct {
		verityReport
		DataPartitionUUID *manifest.UUID    `json:"data_partition_uuid,omitempty"`
		HashPartitionUUID *manifest.UUID    `json:"hash_partition_uuid,omitempty"`
		Emit              map[string]string `json:"emit,omitempty"`
	}{verityReport: r, Emit: texts}
	if u, ok := j.partitionUUIDs(); ok {
		document.DataPartitionUUID, document.HashPartitionUUID = &u.Data, &u.Tree
	}
	return ui.WriteJSON(w, document)
}
