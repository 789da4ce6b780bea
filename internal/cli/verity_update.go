package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// verityUpdateOptions is what `verity update` is told: which image, whose root may be
// left open, and what has changed.
type verityUpdateOptions struct {
	verityVerifyOptions

	changed     []changedBytes
	changedList string // file with more of them, "-" for standard input; "": none
	changedFrom string // the image before the changes; "": not given
	fecRewrite  bool   // make parity from whole codewords even with changedFrom
	dryRun      bool
	undo        bool
	journal     string // "" for the usual place
}

func verityUpdateCommand() *urfave.Command {
	flags := append(verityGeometryFlags(), tailFlags()[0],
		&urfave.StringSliceFlag{Name: "changed", Usage: "these bytes of DATA have changed: `OFFSET:LENGTH` (repeatable)"},
		&urfave.StringFlag{Name: "changed-list", Usage: "the bytes named in `FILE` have changed, OFFSET:LENGTH on each line; - is standard input"},
		&urfave.StringFlag{Name: "changed-from", Usage: "what differs from `FILE`, the image before the changes, has changed"},
		&urfave.StringFlag{Name: "root-hash-file", Usage: "`FILE` has the old root hash, which the tree must have, and gets the new one"},
		&urfave.StringFlag{Name: "fec-device", Usage: "bring the parity in `FILE` up to date too"},
		fecFlagList()[1], fecFlagList()[2],
		&urfave.BoolFlag{Name: "fec-rewrite", Usage: "with --changed-from: make the parity of changed blocks anew instead of adding the difference to it"},
		&urfave.BoolFlag{Name: "dry-run", Usage: "print the root hash and change nothing"},
		&urfave.StringFlag{Name: "journal", Usage: "keep the old bytes in `FILE` (default: DATA.dmimg-journal, removed at the end)"},
		&urfave.BoolFlag{Name: "undo", Usage: "put the old bytes of the journal back"},
		&urfave.BoolFlag{Name: "force", Usage: "replace the root hash file whatever it holds"},
		ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag())
	return &urfave.Command{
		Name: "update", Usage: "bring tree and parity up to date with what has changed in DATA", ArgsUsage: "DATA HASH [ROOT]",
		Description: verityUpdateHelp, Flags: flags,
		Action: verb(2, 3, func(c *urfave.Context, s ui.Streams) error {
			o, err := verityUpdateOptionsOf(c)
			if err != nil {
				return err
			}
			return verityUpdate(c.Context, s, o)
		}),
	}
}

const verityUpdateHelp = `Prints the new root hash. Only the changed blocks are read and hashed, and the tree above them: the rest is
taken from the old tree, so the result is that of format if nothing has changed but what is listed.
Listing too much costs time only. What is used of the old tree must be consistent up to its root, and up
to ROOT where that is given; a damaged tree is refused with exit status 3. verify proves the result.

--root-hash-file names a file that has the old root hash, as format wrote it: the tree must have it, and
the file gets the new one. A file that does not exist is made.

Parity is not right any more unless --fec-device names it. With --changed-from it is corrected by the
difference between the old image and the new one, and damage in the old parity stays; with --fec-rewrite,
with --changed, and where much has changed it is made anew for all blocks that share parity with a changed
one, from all of DATA. Bytes behind the tree that the parity covers are taken as unchanged. An area of which
nothing agrees with the old image, as far as that can be seen, is not taken for its parity and refused.

The number of blocks stays: after growing or shrinking DATA make a new tree with format --like HASH.

Before the first byte is changed, the old and the new bytes are in the journal. If a run is killed, the
next one finishes its work from there, and so does repair; --undo puts the old bytes back instead.`

func verityUpdateOptionsOf(c *urfave.Context) (o verityUpdateOptions, err error) {
	if o.verityVerifyOptions, err = verityVerifyOptionsOf(c); err != nil {
		return o, err
	}
	o.force = c.Bool("force")
	o.changedList, o.changedFrom = c.String("changed-list"), c.String("changed-from")
	o.fecRewrite, o.dryRun, o.undo, o.journal = c.Bool("fec-rewrite"), c.Bool("dry-run"), c.Bool("undo"), c.String("journal")
	for _, text := range c.StringSlice("changed") {
		r, err := parseChange(text)
		if err != nil {
			return o, ui.Usagef("--changed %q: %w", text, err)
		}
		o.changed = append(o.changed, r)
	}
	return o, o.validate(c)
}

// validate refuses flags that contradict each other, and a missing list.
func (o verityUpdateOptions) validate(c *urfave.Context) error {
	listed := c.IsSet("changed") || c.IsSet("changed-list")
	for _, wrong := range []struct {
		given     bool
		name, why string
	}{
		{c.IsSet("changed-from") && o.changedFrom == "", "changed-from", "the name is empty"},
		{c.IsSet("changed-list") && o.changedList == "", "changed-list", "the name is empty"},
		{c.IsSet("changed-from") && listed, "changed-from", "not with --changed or --changed-list"},
		{o.undo && (listed || c.IsSet("changed-from")), "undo", "no changes are listed with it"},
		{o.undo && o.dryRun, "dry-run", "not with --undo"},
		{o.fecRewrite && o.fec.device == "", "fec-rewrite", "only with --fec-device"},
		{o.fecRewrite && !c.IsSet("changed-from"), "fec-rewrite", "only with --changed-from; without it there is no other way"},
		{o.force && o.rootHashFile == "", "force", "only with --root-hash-file"},
		{o.journal == "-", "journal", "it cannot be a stream"},
		{o.rootHashFile == "-", "root-hash-file", "cannot be -: the root hash is printed"},
		{o.root == "-", "root", "ROOT cannot be -: give it in hex"},
	} {
		if err := unusedFlag(wrong.given, wrong.name, wrong.why); err != nil {
			return err
		}
	}
	if !o.undo && !listed && !c.IsSet("changed-from") {
		return ui.Hint(ui.Usagef("it is not said what has changed"), "give --changed OFFSET:LENGTH, --changed-list FILE or --changed-from FILE")
	}
	return nil
}

// verityUpdate brings a tree, and parity, up to date.
func verityUpdate(ctx context.Context, s ui.Streams, o verityUpdateOptions) (err error) {
	job := &updateJob{o: o}
	defer func() { err = errors.Join(err, job.close()) }()
	if err := job.open(ctx, s); err != nil {
		return err
	}
	if o.undo {
		return job.takeBack(ctx, s)
	}
	if err := job.settleEarlier(ctx, s); err != nil {
		return err
	}
	if err := job.listChanges(ctx, s); err != nil {
		return err
	}
	if err := job.plan(ctx, s); err != nil {
		return err
	}
	if err := job.carryOut(ctx, s); err != nil {
		return err
	}
	return job.report().print(s.Out, o.json)
}
