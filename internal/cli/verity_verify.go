package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// verityVerifyOptions is what `verity verify` is told: which image, and what to do
// with what is found.
type verityVerifyOptions struct {
	data, hash   string
	root         string // hex; "" with rootHashFile
	rootHashFile string
	geometry     verityGeometry
	tail         verity.Tail
	fec          fecFlags
	accept       bool   // damage that parity can undo
	picture      bool   // draw the damage on stderr
	report       string // SVG file to draw it in; "" for none
	force        bool   // overwrite that
	json         bool
	progress     ui.ProgressMode
	jobs         int
}

func verityVerifyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "verify", Usage: "check all of DATA and of the tree against the root hash", ArgsUsage: "DATA HASH [ROOT]",
		Description: verityVerifyHelp,
		Flags: append(verityImageFlags("check the parity in `FILE` too, and say what it could repair"),
			&urfave.BoolFlag{Name: "accept-repairable", Usage: "exit 0 if the parity can repair all damage (nothing is repaired)"},
			&urfave.StringFlag{Name: "report", Usage: "draw where the damage is in `FILE.svg`"},
			&urfave.BoolFlag{Name: "picture", Usage: "draw where the damage is on stderr (default: only damage, and only on a terminal)"}),
		Action: verb(2, 3, func(c *urfave.Context, s ui.Streams) error {
			o, err := verityVerifyOptionsOf(c)
			if err != nil {
				return err
			}
			o.accept, o.picture, o.report, o.force = c.Bool("accept-repairable"), c.Bool("picture"), c.String("report"), c.Bool("force")
			if err := unusedFlag(o.accept && o.fec.device == "", "accept-repairable", "only with --fec-device"); err != nil {
				return err
			}
			if c.IsSet("report") && !strings.EqualFold(filepath.Ext(o.report), ".svg") {
				return ui.Usagef("--report %q: the name must end in .svg", o.report)
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
The parity is compared with what data and tree, as far as they are proven, should have.
With --fec-device a range that the parity could repair, as the root hash proves, ends in "repairable".
Flags that say what the superblock says too must agree with it. Files that are too short for the tree
are refused with exit status 1, as the kernel refuses to map them.`

// verityVerify checks an image and lists all damage.
func verityVerify(ctx context.Context, s ui.Streams, o verityVerifyOptions) (err error) {
	image, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, image.close()) }()
	var drawing *ui.Output
	if o.report != "" {
		if drawing, err = ui.CreateOutput(o.report, ui.OutputOptions{Force: o.force}); err != nil {
			return err
		}
		defer drawing.Close()
	}
	report, err := image.check(ctx, s, o.progress)
	if err != nil {
		return err
	}
	damage, err := image.withParity(ctx, s, o.progress, report)
	if err != nil {
		return err
	}
	picture := image.picture(damage)
	if drawing != nil {
		if err := errors.Join(picture.writeSVG(drawing), ui.CommitAll(drawing)); err != nil {
			return err
		}
	}
	if o.picture || !damage.OK && ui.IsTerminal(s.Err) {
		if err := picture.writeText(s.Err); err != nil {
			return err
		}
	}
	return damage.print(s.Out, o.json, o.accept)
}

// withParity completes the report of a check with what parity, if there is any, has
// to say.
func (i *verityImage) withParity(ctx context.Context, s ui.Streams, mode ui.ProgressMode, r *verity.Report) (d *damageReport, err error) {
	if i.parity == nil {
		return newDamageReport(r, r, i.params, i.root), nil
	}
	m := i.parity.mender
	if err := i.mend(ctx, s, mode, m, r); err != nil {
		return nil, err
	}
	d = newDamageReport(m.before, m.left, i.params, i.root)
	d.addParity(m.parityBefore, m.parityLeft, m.area.Offset)
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
