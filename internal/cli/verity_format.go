package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// verityFormatOptions is what `verity format` is told.
type verityFormatOptions struct {
	data, hash   string
	geometry     verityGeometry
	tail         verity.Tail
	like         string // image whose superblock gives what the flags leave open
	likeOffset   int64  // bytes; -1: look where the new one goes, then at 0
	seed         *string
	uuid         *[16]byte
	fec          fecFlags
	rootHashFile string
	emit         []string
	force        bool
	inPlace      bool // existing outputs are written into, new ones are private: as veritysetup does
	json         bool
	style        string
	shown        shownNames
	progress     ui.ProgressMode
	jobs         int
}

// shownNames are for the report, where the user's spelling is another than ours; ""
// is ours.
type shownNames struct{ hash, uuid string }

func verityFormatCommand() *urfave.Command {
	flags := append(verityGeometryFlags(), tailFlags()...)
	flags = append(flags, fecFlagList()...)
	flags = append(flags,
		&urfave.StringFlag{Name: "uuid", Usage: "`UUID` in the superblock (default: random)"},
		&urfave.StringFlag{Name: "seed", Usage: "derive salt and UUID from `TEXT`, so that equal data gives equal output"},
		&urfave.StringFlag{Name: "like", Usage: "take what other flags leave open from the superblock in `IMAGE`, salt and UUID included"},
		ui.SizeFlag("like-offset", "where the superblock lies in the --like IMAGE, in `BYTES` (default: --hash-offset, then 0)"),
		&urfave.StringFlag{Name: "root-hash-file", Usage: "write the root hash to `FILE`, without a newline"},
		&urfave.StringFlag{Name: "emit", Usage: "also print what activates the image, `FORM`s separated by commas: " + emitNames()},
		&urfave.StringFlag{Name: "compat", Usage: "print as veritysetup `VERSION` 2.6 or 2.8 does", Value: compat28},
		ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag(),
	)
	return &urfave.Command{
		Name: "format", Usage: "make the hash tree of DATA in HASH and print the root hash", ArgsUsage: "DATA HASH",
		Description: verityFormatHelp, Flags: flags,
		Action: verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
			o, err := verityFormatOptionsOf(c)
			if err != nil {
				return err
			}
			return verityFormat(c.Context, s, o)
		}),
	}
}

const verityFormatHelp = `DATA may be - for standard input, which is hashed in one pass. HASH may be DATA itself, and the FEC
device may be DATA or HASH: then the areas must lie behind the data and apart, and are written in
place. Otherwise an existing HASH is only written with --force: from --hash-offset on if that is
given, else it is replaced. Without --seed, --salt and --uuid every run gives another root hash.`

func verityFormatOptionsOf(c *urfave.Context) (o verityFormatOptions, err error) {
	o = verityFormatOptions{
		data: c.Args().Get(0), hash: c.Args().Get(1),
		like: c.String("like"), likeOffset: ui.SizeOf(c, "like-offset", -1),
		rootHashFile: c.String("root-hash-file"),
		force:        c.Bool("force"), json: c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
	}
	if o.geometry, err = verityGeometryOf(c); err != nil {
		return o, err
	}
	if o.tail, err = tailOf(c); err != nil {
		return o, err
	}
	if o.fec, err = fecFlagsOf(c); err != nil {
		return o, err
	}
	if c.IsSet("seed") {
		seed := c.String("seed")
		o.seed = &seed
	}
	if c.IsSet("uuid") {
		id, err := parseUUID(c.String("uuid"))
		if err != nil {
			return o, err
		}
		o.uuid = &id
	}
	if o.style, err = compatOf(c); err != nil {
		return o, err
	}
	o.emit, err = parseEmit(c.String("emit"))
	return o, err
}

func compatOf(c *urfave.Context) (string, error) {
	style := c.String("compat")
	if style != compat26 && style != compat28 {
		return "", ui.Usagef("--compat %q: %s or %s", style, compat26, compat28)
	}
	return style, nil
}

// verityFormat makes a hash tree, all of it or none.
func verityFormat(ctx context.Context, s ui.Streams, o verityFormatOptions) (err error) {
	if o.geometry.noSuperblock {
		if err := unusedFlag(o.uuid != nil, "uuid", "without a superblock there is no place for it"); err != nil {
			return err
		}
	}
	if o.hash == "-" {
		return ui.Usagef("HASH cannot be -: the tree is not written in order")
	}
	in, err := ui.OpenInput(ctx, o.data, s.In)
	if err != nil {
		return err
	}
	defer in.Close()
	job := &verityJob{o: o, in: in}
	if err := job.prepare(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, job.close()) }()
	if job.params.DataBlockSize > kernelPage {
		ui.Warnf(s.Err, "no kernel with pages of %d bytes maps data blocks of %d bytes", kernelPage, job.params.DataBlockSize)
	}
	if err := job.run(ctx, s); err != nil {
		return err
	}
	texts, err := job.emitted()
	if err != nil {
		return err
	}
	if err := ui.CommitAll(job.targets...); err != nil {
		return err
	}
	return job.print(s.Out, texts)
}

// kernelPage is the page size of most machines; dm-verity takes no larger data block.
const kernelPage = 4096

// verityJob is one run of `verity format`.
type verityJob struct {
	o      verityFormatOptions
	in     *ui.Input
	params verity.Params
	uuid   [16]byte
	layout verity.Layout // known before the tree only if DATA has a size
	root   []byte

	targets  []ui.Target // all outputs, each once
	hash     ui.Target
	parity   ui.Target // nil without FEC; may be hash
	rootFile *ui.Output
	fec      fec.Params // Blocks is settled when the tree is there
}

// prepare settles all parameters and opens the outputs.
func (j *verityJob) prepare(ctx context.Context) error {
	if err := j.settle(ctx); err != nil {
		return err
	}
	if err := j.checkAreas(); err != nil {
		return err
	}
	if err := j.openTargets(); err != nil {
		return errors.Join(err, j.close())
	}
	return nil
}

// settle fills params from flags, --like, --seed and the size of DATA.
func (j *verityJob) settle(ctx context.Context) error {
	g := j.o.geometry
	like, err := readLike(ctx, j.o)
	if err != nil {
		return err
	}
	g.fillFrom(like)
	j.uuid, g.salt = identity(j.o, like)
	if j.params, err = g.params(); err != nil {
		return err
	}
	j.params.Jobs = j.o.jobs
	if err := j.countBlocks(); err != nil {
		return err
	}
	trial := j.params
	trial.DataBlocks = max(1, trial.DataBlocks)
	j.layout, err = verity.NewLayout(trial)
	return wrongFlags(err)
}

// countBlocks finds the number of data blocks, unless DATA is a stream.
func (j *verityJob) countBlocks() (err error) {
	p := &j.params
	if p.DataBlocks > 0 {
		need, err := dataBytes(p.DataBlocks, p.DataBlockSize)
		if err == nil && !j.in.IsStream() && need > j.in.Size() {
			err = ui.Failf("%s has %s: too short for %d blocks of %d bytes", j.in.Name(), ui.FormatSize(j.in.Size()), p.DataBlocks, p.DataBlockSize)
		}
		return err
	}
	if !j.in.IsStream() {
		p.DataBlocks, err = wholeBlocks(j.in.Name(), j.in.Size(), p.DataBlockSize, j.o.tail)
	}
	return err
}

// run writes tree, superblock and parity.
func (j *verityJob) run(ctx context.Context, s ui.Streams) (err error) {
	total := int64(0)
	if !j.in.IsStream() {
		total = j.layout.DataBytes()
	}
	progress := ui.NewProgress(s.Err, j.o.progress, "hash", total)
	defer progress.Close()
	j.params.Progress = progress.Add
	if j.in.IsStream() {
		err = j.buildFromStream(ctx)
	} else {
		j.root, err = verity.Build(ctx, zeroExtended{j.in}, j.hash, j.params)
	}
	if err != nil {
		return err
	}
	progress.Finish()
	if err := j.writeSuperblock(); err != nil {
		return err
	}
	if j.parity != nil {
		if err := j.encodeParity(ctx, s); err != nil {
			return err
		}
	}
	if j.rootFile != nil {
		if _, err := io.WriteString(j.rootFile, hex.EncodeToString(j.root)); err != nil {
			return fmt.Errorf("writing root hash file: %w", err)
		}
	}
	return nil
}

// buildFromStream hashes DATA as it comes.
func (j *verityJob) buildFromStream(ctx context.Context) error {
	w, err := verity.NewWriterWithOptions(j.hash, j.params, verity.WriterOptions{Tail: j.o.tail})
	if err != nil {
		return wrongFlags(err)
	}
	length := int64(-1)
	if j.params.DataBlocks > 0 {
		length = int64(j.params.DataBlocks) * int64(j.params.DataBlockSize)
	}
	r, err := j.in.Reader(0, length)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, r)
	switch {
	case err != nil:
		return fmt.Errorf("hashing %s: %w", j.in.Name(), err)
	case length >= 0 && n < length:
		return ui.Failf("%s ended after %s: too short for %d blocks of %d bytes", j.in.Name(), ui.FormatSize(n), j.params.DataBlocks, j.params.DataBlockSize)
	}
	if _, err := wholeBlocks(j.in.Name(), n, j.params.DataBlockSize, j.o.tail); err != nil {
		return err
	}
	progress := j.params.Progress
	if j.root, j.params, err = w.Finish(ctx); err != nil {
		return err
	}
	j.params.Progress = progress
	j.layout, err = verity.NewLayout(j.params)
	return err
}

// writeSuperblock puts the header in front of the tree and gives the hash area its
// full length, which a tree without levels does not reach by itself.
func (j *verityJob) writeSuperblock() error {
	if !j.o.geometry.noSuperblock {
		err := verity.WriteSuperblock(j.hash, j.o.geometry.hashOffset, &verity.Superblock{
			HashType: uint32(j.params.HashType), UUID: j.uuid, Algorithm: j.params.Algorithm,
			DataBlockSize: uint32(j.params.DataBlockSize), HashBlockSize: uint32(j.params.HashBlockSize),
			DataBlocks: j.params.DataBlocks, Salt: j.params.Salt,
		})
		if err != nil {
			return err
		}
	}
	return j.hash.Grow(j.layout.HashEndOffset())
}
