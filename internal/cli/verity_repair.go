package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// verityRepairOptions is what `verity repair` is told.
type verityRepairOptions struct {
	verityVerifyOptions

	dryRun  bool
	undo    bool
	out     string // a repaired copy of DATA; "" to repair in place
	journal string // "" for the usual place
}

func verityRepairCommand() *urfave.Command {
	return &urfave.Command{
		Name: "repair", Usage: "repair damaged data, tree and parity as far as the root hash proves it", ArgsUsage: "DATA HASH [ROOT]",
		Description: verityRepairHelp,
		Flags: append(verityImageFlags("repair with the parity in `FILE`, and the parity too"),
			&urfave.BoolFlag{Name: "dry-run", Usage: "only say what would be repaired"},
			&urfave.StringFlag{Name: "out", Usage: "write a repaired copy of DATA to `FILE` and change nothing else"},
			&urfave.StringFlag{Name: "journal", Usage: "keep the old bytes in `FILE` (default: DATA.dmimg-journal, removed at the end)"},
			&urfave.BoolFlag{Name: "undo", Usage: "put the old bytes of the journal back"}),
		Action: verb(2, 3, func(c *urfave.Context, s ui.Streams) (err error) {
			o := verityRepairOptions{
				dryRun: c.Bool("dry-run"), undo: c.Bool("undo"), out: c.String("out"), journal: c.String("journal"),
			}
			if o.verityVerifyOptions, err = verityVerifyOptionsOf(c); err != nil {
				return err
			}
			o.force = c.Bool("force")
			if err := o.validate(c); err != nil {
				return err
			}
			return verityRepair(c.Context, s, o)
		}),
	}
}

const verityRepairHelp = `Data and tree are repaired from the parity, the tree also from the data under it, the parity from
both. A block is only written when the root hash proves what is written. Prints what was repaired
and what stays damaged; exits 0 when data, tree and (with --fec-device) parity are all good then,
otherwise 3: what can be proven is written all the same. With --out FILE it exits 0 when the root
hash proves every block of the copy, otherwise 3 and there is no FILE.

Before the first byte is changed in place, the old and the new bytes are in the journal. If a run is
killed, the next one finishes its work from there, and --undo puts the old bytes back instead. A
journal named by --journal stays, so that --undo works later too.

Bytes behind the tree that the parity covers are taken as they are: no hash proves them. An area of
which hardly anything agrees with the image is not taken for its parity and stays as it is: other
--fec-roots or another --fec-offset would do that. With --force the parity is made anew there.`

// validate refuses flags that contradict each other.
func (o verityRepairOptions) validate(c *urfave.Context) error {
	for _, wrong := range []struct {
		given     bool
		name, why string
	}{
		{c.IsSet("out") && o.out == "", "out", "the name is empty"},
		{o.out == "-", "out", "the copy is not written in order"},
		{o.out != "" && o.undo, "out", "not with --undo"},
		{o.out != "" && o.journal != "", "journal", "nothing is changed in place with --out"},
		{o.journal == "-", "journal", "it cannot be a stream"},
		{o.dryRun && o.undo, "dry-run", "not with --undo"},
		{o.force && o.out == "" && o.fec.device == "", "force", "only with --out, or with --fec-device"},
	} {
		if err := unusedFlag(wrong.given, wrong.name, wrong.why); err != nil {
			return err
		}
	}
	return nil
}

// verityRepair repairs an image, or a copy of it.
func verityRepair(ctx context.Context, s ui.Streams, o verityRepairOptions) (err error) {
	image, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, image.close()) }()
	files := image.files()
	defer func() { err = errors.Join(err, files.close()) }()
	job := repairJob{o: o, image: image, files: files, journal: newImageJournal(o.journal, files)}
	switch {
	case o.undo:
		return job.undo(ctx, s)
	case o.dryRun || o.out != "":
		job.journal.warn(s)
	default:
		if err := job.finishEarlier(ctx, s); err != nil {
			return err
		}
	}
	out, err := job.createOut()
	if err != nil {
		return err
	}
	if out != nil {
		defer func() { err = errors.Join(err, out.Close()) }()
	}
	defer func() { err = errors.Join(err, job.closePlan()) }()
	if err := job.plan(ctx, s); err != nil {
		return err
	}
	if err := job.carryOut(ctx, s, out); err != nil {
		return err
	}
	return job.report().print(s.Out, o.json)
}
