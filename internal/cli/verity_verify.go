package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// verityVerifyOptions is what `verity verify` is told.
type verityVerifyOptions struct {
	data, hash   string
	root         string // hex; "" with rootHashFile
	rootHashFile string
	geometry     verityGeometry
	tail         verity.Tail
	json         bool
	progress     ui.ProgressMode
	jobs         int
}

func verityVerifyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "check all of DATA and of the tree against the root hash", ArgsUsage: "DATA HASH [ROOT]",
		Description: verityVerifyHelp,
		Flags: append(append(verityGeometryFlags(), tailFlags()[0]),
			&urfave.StringFlag{Name: "root-hash-file", Usage: "read the root hash from `FILE` instead of ROOT"},
			ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(2, 3, func(c *urfave.Context, s ui.Streams) error {
			o := verityVerifyOptions{
				data: c.Args().Get(0), hash: c.Args().Get(1), root: c.Args().Get(2),
				rootHashFile: c.String("root-hash-file"),
				json:         c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			}
			if c.Bool("pad") {
				o.tail = verity.TailPad
			}
			var err error
			if o.geometry, err = verityGeometryOf(c); err != nil {
				return err
			}
			return verityVerify(c.Context, s, o)
		}),
	}
}

const verityVerifyHelp = `Prints nothing and exits 0 when every block is proven; otherwise prints every damaged range of blocks,
with offset and length in bytes, and exits 3:
  corrupt data blocks 17-19 offset 69632 length 12288     blocks of DATA
  corrupt tree blocks 5-5 offset 20480 length 4096        blocks of HASH
  unproven data blocks 128-255 offset 524288 length 524288  the tree above them is damaged
Flags that say what the superblock says too must agree with it. Files that are too short for the tree
are refused with exit status 1, as the kernel refuses to map them.`

// verityVerify checks an image and lists all damage.
func verityVerify(ctx context.Context, s ui.Streams, o verityVerifyOptions) error {
	root, err := readRoot(ctx, o.root, o.rootHashFile)
	if err != nil {
		return err
	}
	data, err := openSized(ctx, "DATA", o.data)
	if err != nil {
		return err
	}
	defer data.Close()
	hash, err := openSized(ctx, "HASH", o.hash)
	if err != nil {
		return err
	}
	defer hash.Close()
	p, sb, err := o.geometry.readGeometry(hash)
	if err != nil {
		return err
	}
	if p.DataBlocks == 0 {
		if p.DataBlocks, err = wholeBlocks(data.Name(), data.Size(), p.DataBlockSize, o.tail); err != nil {
			return err
		}
	}
	l, err := verity.NewLayout(p)
	if err != nil {
		if sb == nil {
			return wrongFlags(err)
		}
		return ui.Failf("%s: superblock: %w", hash.Name(), err)
	}
	if err := checkRootSize(root, l, p.Algorithm); err != nil {
		return err
	}
	if err := fits(data, hash, l, o.tail); err != nil {
		return err
	}
	progress := ui.NewProgress(s.Err, o.progress, "verify", l.DataBytes())
	defer progress.Close()
	p.Jobs, p.Progress = o.jobs, progress.Add
	report, err := verity.Check(ctx, zeroExtended{data, data.Size()}, hash, p, root)
	if err != nil {
		return err
	}
	progress.Finish()
	return printDamage(s.Out, report, p, root, o.json)
}

// readRoot takes the root hash from the argument or the file.
func readRoot(ctx context.Context, text, file string) ([]byte, error) {
	switch {
	case text != "" && file != "":
		return nil, ui.Usagef("ROOT and --root-hash-file exclude each other")
	case text == "" && file == "":
		return nil, ui.Usagef("the root hash is missing: give ROOT or --root-hash-file")
	case text == "-" || file == "-":
		return nil, ui.Usagef("the root hash cannot be -: give it in hex, or --root-hash-file")
	case text != "":
		return parseRoot(text)
	}
	in, err := ui.OpenInput(ctx, file, nil)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r, err := in.Reader(0, -1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, maxRootFile+1))
	if err != nil {
		return nil, ui.Failf("reading root hash file %s: %w", file, err)
	}
	root, err := parseRoot(string(bytes.TrimSpace(b)))
	if err != nil || len(b) > maxRootFile {
		return nil, ui.Failf("root hash file %s does not hold a root hash in hex", file)
	}
	return root, nil
}

// maxRootFile is more than any root hash in hex has bytes.
const maxRootFile = 1024

// blockRange is a damaged range as JSON has it.
type blockRange struct {
	FirstBlock uint64 `json:"first_block"`
	LastBlock  uint64 `json:"last_block"`
	Repairable bool   `json:"repairable"` // from parity; there is none here
}

// damageReport is the JSON of verify.
type damageReport struct {
	OK       bool         `json:"ok"`
	RootOK   bool         `json:"root_ok"`
	Data     []blockRange `json:"data"`     // blocks of DATA that are damaged
	Tree     []blockRange `json:"tree"`     // blocks of HASH, from its start
	FEC      []blockRange `json:"fec"`      // blocks of parity
	Unproven []blockRange `json:"unproven"` // blocks of DATA under a damaged tree
	Complete bool         `json:"complete"` // false: there is more damage than is listed
}

func blockRanges(ranges []verity.Range) []blockRange {
	list := make([]blockRange, 0, len(ranges))
	for _, r := range ranges {
		list = append(list, blockRange{FirstBlock: r.First, LastBlock: r.Last})
	}
	return list
}

// printDamage writes the result of a check and returns the error to exit with.
func printDamage(w io.Writer, r *verity.Report, p verity.Params, root []byte, asJSON bool) error {
	var err error
	if asJSON {
		err = ui.WriteJSON(w, damageReport{
			OK: r.OK(), RootOK: r.RootOK, Complete: !r.More,
			Data: blockRanges(r.Data), Tree: blockRanges(r.Tree), FEC: []blockRange{}, Unproven: blockRanges(r.Unproven),
		})
	} else {
		err = writeDamage(w, r, p)
	}
	switch {
	case err != nil:
		return err
	case r.OK():
		return nil
	case !r.RootOK:
		return ui.Hint(ui.Corruptf("the root hash does not match: %s was given, the tree has %s", hex.EncodeToString(root), hex.EncodeToString(r.Root)),
			"the image is another one, or the top of its tree is damaged")
	}
	text := fmt.Sprintf("%s of data, %s of the tree damaged", count(r.Data), count(r.Tree))
	if len(r.Unproven) > 0 {
		text += fmt.Sprintf(", %s of data not proven", count(r.Unproven))
	}
	return ui.Corruptf("%s", text)
}

func writeDamage(w io.Writer, r *verity.Report, p verity.Params) error {
	var b strings.Builder
	for _, d := range r.Data {
		fmt.Fprintln(&b, describe("corrupt data blocks", d, p.DataBlockSize))
	}
	for _, d := range r.Tree {
		fmt.Fprintln(&b, describe("corrupt tree blocks", d, p.HashBlockSize))
	}
	for _, d := range r.Unproven {
		fmt.Fprintln(&b, describe("unproven data blocks", d, p.DataBlockSize))
	}
	if r.More {
		fmt.Fprintln(&b, "more ranges are not listed")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// count is the number of blocks in ranges, in words.
func count(ranges []verity.Range) string {
	n := uint64(0)
	for _, r := range ranges {
		n += r.Last - r.First + 1
	}
	if n == 1 {
		return "1 block"
	}
	return fmt.Sprintf("%d blocks", n)
}
