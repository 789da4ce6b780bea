package cli

import (
	"bytes"
	"context"
	"errors"
	"io"

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
	fec          fecFlags
	accept       bool // damage that parity can undo
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
			&urfave.StringFlag{Name: "fec-device", Usage: "check the parity in `FILE` too, and say what it could repair"},
			fecFlagList()[1], fecFlagList()[2],
			&urfave.BoolFlag{Name: "accept-repairable", Usage: "exit 0 if the parity can repair all damage (nothing is repaired)"},
			ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(2, 3, func(c *urfave.Context, s ui.Streams) error {
			o := verityVerifyOptions{
				data: c.Args().Get(0), hash: c.Args().Get(1), root: c.Args().Get(2),
				rootHashFile: c.String("root-hash-file"),
				accept:       c.Bool("accept-repairable"),
				json:         c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			}
			if c.Bool("pad") {
				o.tail = verity.TailPad
			}
			var err error
			if o.geometry, err = verityGeometryOf(c); err != nil {
				return err
			}
			if o.fec, err = fecFlagsOf(c); err != nil {
				return err
			}
			if err := unusedFlag(o.accept && o.fec.device == "", "accept-repairable", "only with --fec-device"); err != nil {
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
  corrupt parity blocks 0-1 offset 0 length 8192          blocks of the FEC device, with --fec-device
With --fec-device a range that the parity could repair, as the root hash proves, ends in "repairable".
Flags that say what the superblock says too must agree with it. Files that are too short for the tree
are refused with exit status 1, as the kernel refuses to map them.`

// verityVerify checks an image and lists all damage.
func verityVerify(ctx context.Context, s ui.Streams, o verityVerifyOptions) (err error) {
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
	p, l, err := o.describe(data, hash)
	if err != nil {
		return err
	}
	if err := checkRootSize(root, l, p.Algorithm); err != nil {
		return err
	}
	if err := fits(data, hash, l, o.tail); err != nil {
		return err
	}
	var parity *parityCheck
	if o.fec.device != "" {
		if parity, err = openParity(ctx, o.fec, data, hash, p, l, root); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, parity.close()) }()
	}
	progress := ui.NewProgress(s.Err, o.progress, "verify", l.DataBytes())
	defer progress.Close()
	p.Progress = progress.Add
	report, err := verity.Check(ctx, zeroExtended{data}, hash, p, root)
	if err != nil {
		return err
	}
	progress.Finish()
	damage, err := withParity(ctx, report, parity, p, root)
	if err != nil {
		return err
	}
	return damage.print(s.Out, o.json, o.accept)
}

// describe finds the parameters and the layout of the tree.
func (o verityVerifyOptions) describe(data, hash *ui.Input) (verity.Params, verity.Layout, error) {
	p, sb, err := o.geometry.readGeometry(hash)
	if err == nil && p.DataBlocks == 0 {
		p.DataBlocks, err = wholeBlocks(data.Name(), data.Size(), p.DataBlockSize, o.tail)
	}
	if err != nil {
		return p, verity.Layout{}, err
	}
	p.Jobs = o.jobs
	l, err := verity.NewLayout(p)
	if sb == nil {
		err = wrongFlags(err)
	} else if err != nil {
		err = ui.Failf("%s: superblock: %w", hash.Name(), err)
	}
	return p, l, err
}

// withParity completes the report of a check with what parity, if there is any, has
// to say.
func withParity(ctx context.Context, r *verity.Report, parity *parityCheck, p verity.Params, root []byte) (*damageReport, error) {
	if parity == nil {
		return newDamageReport(r, r, nil, p, root), nil
	}
	left, err := parity.repair(ctx, r)
	if err != nil {
		return nil, err
	}
	damaged, err := parity.damagedParity(ctx, left)
	if err != nil {
		return nil, err
	}
	d := newDamageReport(r, left, damaged, p, root)
	d.parityOffset = parity.area.Offset
	return d, nil
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
