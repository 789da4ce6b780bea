package cli

import (
	"context"
	"errors"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/probe"
)

// luksEncryptOptions is what `luks encrypt` is told.
type luksEncryptOptions struct {
	volumeWriteOptions
	force bool
}

func luksEncryptCommand() *urfave.Command {
	flags := append(luksKeyFlags(), luksPlaceFlags()...)
	flags = append(flags, rangeFlags()...)
	return &urfave.Command{
		Name: "encrypt", Usage: "encrypt the file IN into the data of a LUKS image", ArgsUsage: "IN IMAGE",
		Description: `IMAGE has a LUKS header already: "dmimg luks format" makes one. IN (- is standard input) is encrypted to
where that says; zeros and holes are, too. An IN that is larger than the volume is refused before anything
is changed, a stream when it turns out to be. Behind a smaller one the volume stays as it is, or, with
--zero-rest, becomes zeros. --offset and --length are bytes of the volume and of IN.
IMAGE is changed in place, its header is not: what was encrypted before an error or an interruption stays,
and the same command mends it. A file system, partition table or the like in the volume is overwritten only
with --force, or when --offset says where to write.
` + luksKeyHelp + `
  dmimg luks encrypt plain.img disk.img --passphrase-file pass`,
		Flags: append(flags, &urfave.BoolFlag{Name: "zero-rest", Usage: "encrypt zeros from the end of IN to that of the volume"},
			ui.ForceFlag(), ui.JSONFlag(), ui.ProgressFlag(), ui.JobsFlag()),
		Action: verb(2, 2, func(c *urfave.Context, s ui.Streams) error {
			key, err := luksKeyOf(c)
			if err != nil {
				return err
			}
			place, err := luksPlaceOf(c, c.Args().Get(1))
			if err != nil {
				return err
			}
			return luksEncrypt(c.Context, s, luksEncryptOptions{
				volumeWriteOptions: volumeWriteOptions{
					volumeSource: volumeSource{luks: place, key: key},
					byteRange:    rangeOf(c), in: c.Args().Get(0), zeroRest: c.Bool("zero-rest"),
					json: c.Bool("json"), progress: ui.ProgressOf(c), jobs: ui.JobsOf(c),
				},
				force: c.Bool("force") || c.IsSet("offset"),
			})
		}),
	}
}

// luksEncryptReport is the JSON of `luks encrypt`.
type luksEncryptReport struct {
	In          string `json:"in"`
	Image       string `json:"image"`
	OffsetBytes int64  `json:"offset_bytes"`
	LengthBytes int64  `json:"length_bytes"`
	ZeroedBytes int64  `json:"zeroed_bytes"`
	VolumeBytes int64  `json:"volume_bytes"`
}

// luksEncrypt writes a file or stdin into the data of an image.
func luksEncrypt(ctx context.Context, s ui.Streams, o luksEncryptOptions) (err error) {
	if err := o.checkStdin(); err != nil {
		return err
	}
	in, err := ui.OpenInput(ctx, o.in, s.In)
	if err != nil {
		return err
	}
	defer in.Close()
	defer limitJobs(o.jobs)()
	v, err := o.openSource(ctx, s, os.O_RDWR)
	if errors.Is(err, volume.ErrNoDevice) && !in.IsStream() {
		err = ui.Hint(err, `"dmimg luks format %s --data-size %d" makes an image for IN`, o.luks.image, in.Size())
	}
	if err != nil {
		return err
	}
	defer closeInto(v, &err)
	size, err := v.Size()
	if err != nil {
		return err
	}
	if !o.force {
		if err := refuseContent(v, size, o.luks.String()); err != nil {
			return err
		}
	}
	n, err := o.copyIn(ctx, s, in, v, "encrypt")
	if err != nil || !o.json {
		return err
	}
	r := luksEncryptReport{In: o.in, Image: o.luks.image, OffsetBytes: o.offset, LengthBytes: n, VolumeBytes: size}
	if o.zeroRest {
		r.ZeroedBytes = size - o.offset - n
	}
	return ui.WriteJSON(s.Out, r)
}

// refuseContent refuses to overwrite what is recognised in an open volume. Sectors that were never written do
// not authenticate, if they have tags: there is nothing to lose.
func refuseContent(v volume.Backend, size int64, image string) error {
	l, err := probe.Probe(volume.Bytes(v), size)
	switch {
	case errors.Is(err, crypt.ErrIntegrity):
		return nil
	case err != nil:
		return err
	case !isRecognised(l):
		return nil
	}
	return ui.Hint(ui.Failf("%s is not empty inside (%s): encrypting IN destroys that", image, l.Description),
		"--force overwrites it; --offset writes at a place of it")
}

// isRecognised reports whether a layer is something: not noise, and not zeros.
func isRecognised(l *probe.Layer) bool { return l.Kind != "unknown" && l.Kind != "empty" }
