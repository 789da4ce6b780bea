package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/fec"
)

// verityBodies lends the verity verbs to the drop-in veritysetup.
type verityBodies struct{}

// Format implements [dropin.VerityBodies].
func (verityBodies) Format(ctx context.Context, s ui.Streams, o dropin.VerityFormat) error {
	return verityFormat(ctx, s, verityFormatOptions{
		data: filePath(o.Data), hash: filePath(o.HashDevice), shown: shownNames{o.HashDevice, o.GivenUUID},
		geometry: dropinGeometry(o.VerityGeometry), tail: verity.TailTruncate, uuid: o.UUID,
		fec: dropinFEC(o.FEC), rootHashFile: filePath(o.RootHashFile),
		inPlace: true, json: o.JSON, style: o.Compat, progress: ui.ProgressNever,
	})
}

// Dump implements [dropin.VerityBodies].
func (verityBodies) Dump(ctx context.Context, s ui.Streams, o dropin.VerityDump) error {
	return verityDump(ctx, s, verityDumpOptions{
		hash: filePath(o.HashDevice), shown: o.HashDevice, hashOffset: o.HashOffset, fec: dropinFEC(o.FEC), style: o.Compat, json: o.JSON,
	})
}

// Verify implements [dropin.VerityBodies].
func (verityBodies) Verify(ctx context.Context, o dropin.VerityVerify) (*dropin.VerityVerdict, error) {
	data, err := openSized(ctx, "DATA", filePath(o.Data))
	if err != nil {
		return nil, err
	}
	defer data.Close()
	hash, err := openSized(ctx, "HASH", filePath(o.HashDevice))
	if err != nil {
		return nil, err
	}
	defer hash.Close()
	p, l, err := dropinTree(o, data, hash)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkRootSize(o.Root, l, p.Algorithm), fits(data, hash, l, verity.TailTruncate)); err != nil {
		return nil, err
	}
	report, err := verity.Check(ctx, data, hash, p, o.Root)
	if err != nil || report.OK() {
		return &dropin.VerityVerdict{OK: err == nil}, err
	}
	v := new(dropin.VerityVerdict)
	if v.Mismatch, err = firstMismatch(ctx, data, hash, p, l); err != nil || o.FEC.Device == "" {
		return v, err
	}
	v.Parity, err = judgeParity(ctx, dropinFEC(o.FEC), data, hash, p, l, o.Root)
	return v, err
}

// dropinTree finds out what tree it is: by its superblock alone, or by the options.
func dropinTree(o dropin.VerityVerify, data, hash *ui.Input) (p verity.Params, l verity.Layout, err error) {
	g := verityGeometry{hashOffset: o.HashOffset}
	if o.NoSuperblock {
		g = dropinGeometry(o.VerityGeometry)
	}
	if p, _, err = g.readGeometry(hash); err != nil {
		return p, l, err
	}
	if p.DataBlocks == 0 {
		if p.DataBlocks, err = wholeBlocks(data.Name(), data.Size(), p.DataBlockSize, verity.TailTruncate); err != nil {
			return p, l, err
		}
	}
	l, err = verity.NewLayout(p)
	return p, l, err
}

// judgeParity finds out whether veritysetup would repair the damage, which it does
// without knowing where that is, and whether the root hash proves the result, which
// veritysetup does not ask. The repair is done in an overlay.
func judgeParity(ctx context.Context, f fecFlags, data, hash *ui.Input, p verity.Params, l verity.Layout, root []byte) (v *dropin.VerityParity, err error) {
	parity, err := openSized(ctx, "the FEC device", f.device)
	if err != nil {
		return nil, err
	}
	defer parity.Close()
	area := coveredArea(f, parity, hash, p, l)
	area.WithData = ui.IsSameFile(parity.Info(), data.Info())
	params, err := area.Params()
	if err != nil || f.offset+params.ParityBytes() > parity.Size() {
		return &dropin.VerityParity{Reason: "its size or place does not fit the image"}, nil
	}
	stream, err := ui.NewOverlay(area.Stream(data, hash), params.BlockSize)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	found, err := fec.Check(ctx, stream, parity, f.offset, params)
	if err != nil {
		return nil, err
	}
	v = &dropin.VerityParity{Errors: found.Codewords}
	if len(found.Unclear) > 0 {
		v.Reason = "there are too many of them"
		return v, nil
	}
	decoder, err := fec.NewDecoder(stream, parity, f.offset, params)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Repair(ctx, stream, found.Blocks, nil); err != nil {
		return nil, err
	}
	mended, err := verity.Check(ctx, stream, shifted{stream, l.DataBytes() - l.HashOffset()}, p, root)
	if err != nil {
		return nil, err
	}
	v.Repairable, v.Reason = mended.OK(), "the root hash does not prove what they would be repaired to"
	return v, nil
}

// coveredArea says where parity lies and what of the hash device it covers.
func coveredArea(f fecFlags, parity, hash *ui.Input, p verity.Params, l verity.Layout) fec.Area {
	return fec.Area{
		BlockSize: p.DataBlockSize, Roots: f.roots, DataBlocks: p.DataBlocks,
		HashStart: p.HashStartBlock, HashBlocks: l.HashBlocks(), HashDeviceBytes: hash.Size(),
		Offset: f.offset, WithHash: ui.IsSameFile(parity.Info(), hash.Info()),
	}
}

// dropinGeometry turns options into flags.
func dropinGeometry(d dropin.VerityGeometry) verityGeometry {
	name := strings.ToLower(d.Hash)
	g := verityGeometry{
		hash: &name, hashAsGiven: d.Hash, hashType: &d.Format, dataBlockSize: &d.DataBlockSize, hashBlockSize: &d.HashBlockSize,
		salt: d.Salt, hashOffset: d.HashOffset, noSuperblock: d.NoSuperblock,
	}
	if d.DataBlocks > 0 {
		g.dataBlocks = &d.DataBlocks
	}
	return g
}

func dropinFEC(f dropin.VerityFEC) fecFlags {
	if f.Device == "" {
		return fecFlags{roots: defaultFECRoots}
	}
	return fecFlags{device: filePath(f.Device), offset: f.Offset, roots: f.Roots}
}

// filePath is a path that means a file even if it is "-".
func filePath(path string) string {
	if path == "-" {
		return "./-"
	}
	return path
}
