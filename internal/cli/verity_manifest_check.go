package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/manifest"
)

// verityCheckManifestOptions is what `verity check-manifest` is told.
type verityCheckManifestOptions struct {
	manifest  string
	files     namedFiles
	signature string // "": not looked at
	json      bool
	progress  ui.ProgressMode
	jobs      int
}

func verityCheckManifestCommand() *urfave.Command {
	return &urfave.Command{
		Name: "check-manifest", Usage: "check that DATA and the files made from it are what a manifest records", ArgsUsage: "MANIFEST DATA [HASH]",
		Description: verityCheckManifestHelp,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "fec-device", Usage: "the parity is in `FILE`"},
			&urfave.StringFlag{Name: "root-hash-file", Usage: "the root hash is in `FILE`"},
			&urfave.StringFlag{Name: "root-hash-signature", Usage: "the signature of the root hash is in `FILE`"},
			ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag(),
		},
		Action: verb(2, 3, func(c *urfave.Context, s ui.Streams) error {
			return verityCheckManifest(c.Context, s, verityCheckManifestOptions{
				manifest: c.Args().Get(0), signature: c.String("root-hash-signature"),
				files: namedFiles{c.Args().Get(1), c.Args().Get(2), c.String("fec-device"), c.String("root-hash-file")},
				json:  c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
			})
		}),
	}
}

const verityCheckManifestHelp = `Compares the size and SHA-256 of every file and area that the manifest records (see format), and DATA with
the root hash in it. HASH, the FEC device and the root hash file are by default those of the recorded names
beside the manifest; the signature is looked at only if it is named. Prints nothing and exits 0 when all is
as recorded; else prints every difference, every damaged range as verify does, and exits 3.`

// verityCheckManifest compares files with what a manifest records of them.
func verityCheckManifest(ctx context.Context, s ui.Streams, o verityCheckManifestOptions) error {
	r, err := readManifest(ctx, s, o.manifest)
	if err != nil {
		return err
	}
	if o.files, err = r.complete(o.files); err != nil {
		return err
	}
	if r.Signature != nil && o.signature == "" {
		ui.Warnf(s.Err, "the signature %s was not looked at: --root-hash-signature names it", r.Signature.Name)
	}
	differences, err := r.compareFiles(ctx, o.files, o.signature)
	if err != nil {
		return err
	}
	v := verityVerifyOptions{
		data: o.files.data, hash: o.files.hash, root: r.RootHash.String(), geometry: r.geometry(), tail: r.tail(),
		fec: r.parityFlags(o.files.parity), progress: o.progress, jobs: o.jobs,
	}
	damage, err := v.damage(ctx, s)
	if err != nil && (len(differences) == 0 || ctx.Err() != nil) {
		return err
	}
	report := &manifestReport{OK: err == nil && damage.OK && len(differences) == 0, Differences: differences, Damage: damage, unread: err}
	return report.print(s.Out, o)
}

// damage verifies an image.
func (o verityVerifyOptions) damage(ctx context.Context, s ui.Streams) (d *damageReport, err error) {
	image, err := o.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, image.close()) }()
	r, err := image.check(ctx, s, o.progress)
	if err != nil {
		return nil, err
	}
	return image.withParity(ctx, s, o.progress, r)
}

// compareFiles digests the files of an image as they are now.
func (r *recorded) compareFiles(ctx context.Context, f namedFiles, signature string) ([]manifestDifference, error) {
	if signature != "" && r.Signature == nil {
		return nil, ui.Usagef("--root-hash-signature: the manifest records none")
	}
	looks := []fileLook{
		{key: "tree", path: f.hash, file: r.Tree.File, parts: treeExtents(r.Manifest), sum: r.Tree.SHA256},
		{key: "root_hash_file", path: f.rootHash, file: r.RootHashFile},
		{key: "signature", path: signature, file: r.Signature},
	}
	if p := r.Parity; p != nil {
		looks = append(looks, fileLook{key: "fec", path: f.parity, file: p.File, parts: []extent{{p.Offset, p.Bytes}}, sum: p.SHA256})
	}
	list := []manifestDifference{}
	for _, look := range looks {
		if look.path == "" {
			continue
		}
		found, err := look.compare(ctx)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// fileLook compares an area of a file, if there is one, and the whole file, if that is
// recorded.
type fileLook struct {
	key   string
	path  string
	file  *manifest.File // nil: not a file of its own
	parts []extent       // nil: no area
	sum   manifest.Hex   // of the area
}

func (l fileLook) compare(ctx context.Context) (list []manifestDifference, err error) {
	in, err := openSized(ctx, l.key, l.path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	differs := func(key string, recorded, found any) {
		if r, f := fmt.Sprint(recorded), fmt.Sprint(found); r != f {
			list = append(list, manifestDifference{key, r, f})
		}
	}
	whole := l.key
	if l.parts != nil {
		sum, err := digestOf(ctx, in, l.parts...)
		if err != nil {
			return nil, err
		}
		differs(l.key+".sha256", l.sum, manifest.Hex(sum))
		whole += ".file"
	}
	if l.file == nil || l.file.Content == nil {
		return list, nil
	}
	sum, err := digestOf(ctx, in, extent{0, in.Size()})
	differs(whole+".bytes", l.file.Bytes, in.Size())
	differs(whole+".sha256", l.file.SHA256, manifest.Hex(sum))
	return list, err
}

// manifestDifference is a fact that is not as it was recorded.
type manifestDifference struct {
	Key      string `json:"key"` // of the manifest
	Recorded string `json:"recorded"`
	Found    string `json:"found"`
}

// manifestReport is the JSON of check-manifest.
type manifestReport struct {
	OK          bool                 `json:"ok"`
	Differences []manifestDifference `json:"differences"`
	Damage      *damageReport        `json:"damage,omitempty"` // as verify has it; none if HASH is no tree any more

	unread error // why there is no Damage
}

// print writes the report and returns the error to exit with.
func (r *manifestReport) print(w io.Writer, o verityCheckManifestOptions) error {
	if o.json {
		if err := ui.WriteJSON(w, r); err != nil {
			return err
		}
	} else {
		for _, d := range r.Differences {
			if _, err := fmt.Fprintf(w, "%s recorded %s found %s\n", d.Key, d.Recorded, d.Found); err != nil {
				return err
			}
		}
		if r.Damage != nil {
			if err := r.Damage.writeText(w); err != nil {
				return err
			}
		}
	}
	if r.OK {
		return nil
	}
	var words []string
	switch n := len(r.Differences); n {
	case 0:
	case 1:
		words = append(words, "1 fact is not as recorded")
	default:
		words = append(words, fmt.Sprintf("%d facts are not as recorded", n))
	}
	switch {
	case r.unread != nil:
		words = append(words, fmt.Sprintf("DATA was not checked: %v", r.unread))
	case !r.Damage.OK:
		words = append(words, r.Damage.summary())
	}
	return ui.Corruptf("%s: %s", o.manifest, strings.Join(words, "; "))
}
