package cli

import (
	"context"
	"errors"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
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

	manifest      string // file to write it to; "": none
	fromManifest  string // file with the settings; "": the flags have them
	recorded      *recorded
	signatureFile string // of the root hash, made before; "": none
	emit          emitOptions

	force    bool
	inPlace  bool // existing outputs are written into, new ones are private: as veritysetup does
	json     bool
	style    string
	shown    shownNames
	progress ui.ProgressMode
	jobs     int
}

// shownNames are for the report, where the user's spelling is another than ours; ""
// is ours.
type shownNames struct{ hash, uuid string }

func verityFormatCommand() *urfave.Command {
	flags := append(verityGeometryFlags(), tailFlags()...)
	flags = append(append(flags, fecFlagList()...), emitFlags()...)
	flags = append(flags,
		&urfave.StringFlag{Name: "uuid", Usage: "`UUID` in the superblock (default: random)"},
		&urfave.StringFlag{Name: "seed", Usage: "derive salt and UUID from `TEXT`, so that equal data gives equal output"},
		&urfave.StringFlag{Name: "like", Usage: "take what other flags leave open from the superblock in `IMAGE`, salt and UUID included"},
		ui.SizeFlag("like-offset", "where the superblock lies in the --like IMAGE, in `BYTES` (default: --hash-offset, then 0)"),
		&urfave.StringFlag{Name: "root-hash-file", Usage: "write the root hash to `FILE`, without a newline"},
		&urfave.StringFlag{Name: "manifest", Usage: "write to `FILE` from what, with DATA, all of this can be made again"},
		&urfave.StringFlag{Name: "from-manifest", Usage: "take every setting from the manifest in `FILE`, and fail if what comes out is not what it records"},
		&urfave.StringFlag{Name: "root-hash-signature", Usage: "signature of the root hash in `FILE`, made before (see sign): for --emit and --manifest"},
		&urfave.StringFlag{Name: "compat", Usage: "print as veritysetup `VERSION` 2.6 or 2.8 does", Value: compat28},
		ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag(),
	)
	return &urfave.Command{
		Name: "format", Usage: "make the hash tree of DATA in HASH and print the root hash", ArgsUsage: "DATA HASH",
		Description: verityFormatHelp, Flags: flags,
		Action: func(c *urfave.Context) error {
			atLeast := 2
			if c.String("from-manifest") != "" {
				atLeast = 1
			}
			return verb(atLeast, 2, func(c *urfave.Context, s ui.Streams) error {
				o, err := verityFormatOptionsOf(c)
				if err != nil {
					return err
				}
				return verityFormat(c.Context, s, o)
			})(c)
		},
	}
}

const verityFormatHelp = `DATA may be - for standard input, which is hashed in one pass. HASH may be DATA itself, and the FEC
device may be DATA or HASH: then the areas must lie behind the data and apart, and are written in
place. Otherwise an existing HASH is only written with --force: from --hash-offset on if that is
given, else it is replaced. Without --seed, --salt and --uuid every run gives another root hash.
--manifest writes a JSON document, the same on every machine, with all settings and the digests of all that
was written. With --from-manifest they are made again, HASH and the others by default under the recorded
names beside the manifest, or, if anything differs, nothing is (exit status 3).`

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
	if o.emit, err = emitOptionsOf(c); err != nil {
		return o, err
	}
	o.manifest, o.fromManifest, o.signatureFile = c.String("manifest"), c.String("from-manifest"), c.String("root-hash-signature")
	if o.fromManifest != "" {
		err = onlyFiles(c)
	}
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
	if o.fromManifest != "" {
		if err := o.takeManifest(ctx, s); err != nil {
			return err
		}
	}
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
	if err := job.prepare(ctx, s); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, job.close()) }()
	if job.params.DataBlockSize > kernelPage {
		ui.Warnf(s.Err, "no kernel with pages of %d bytes maps data blocks of %d bytes", kernelPage, job.params.DataBlockSize)
	}
	if err := job.run(ctx, s); err != nil {
		return err
	}
	if err := job.record(ctx); err != nil {
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
