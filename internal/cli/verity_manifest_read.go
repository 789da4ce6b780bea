package cli

import (
	"context"
	"fmt"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/manifest"
)

// settingFlags are those that a manifest takes the place of.
var settingFlags = []string{
	"hash", "format", "data-block-size", "hash-block-size", "data-blocks", "hash-offset", "salt", "no-superblock",
	"pad", "truncate", "uuid", "seed", "like", "like-offset", "fec-roots", "fec-offset",
}

// onlyFiles refuses flags that say what the manifest says.
func onlyFiles(c *urfave.Context) error {
	for _, name := range settingFlags {
		if c.IsSet(name) {
			return ui.Usagef("--%s: the manifest says it", name)
		}
	}
	return nil
}

// recorded is a manifest that was read, and where.
type recorded struct {
	*manifest.Manifest
	path string
}

// readManifest reads a manifest and makes sure that such a tree can be.
func readManifest(ctx context.Context, s ui.Streams, path string) (*recorded, error) {
	text, err := readSmall(ctx, s, path, manifest.MaxSize)
	if err != nil {
		return nil, err
	}
	m, err := manifest.Decode(text)
	if err != nil {
		return nil, ui.Failf("%s: %w", path, err)
	}
	r := &recorded{m, path}
	g := r.geometry()
	p, err := g.params()
	if err != nil {
		return nil, ui.Failf("%s: %w", path, err)
	}
	l, err := verity.NewLayout(p)
	if err != nil {
		return nil, &ui.Error{Code: ui.ExitFailed, Err: fmt.Errorf("%s: %w", path, wrongFlags(err))}
	}
	if l.HashStart() != m.Tree.StartBlock || l.HashBlocks() != m.Tree.Blocks || l.DigestSize() != len(m.RootHash) {
		return nil, ui.Failf("%s: the settings give a tree of %d blocks at block %d and root hashes of %d bytes, not %d at %d and %d: %w", path,
			l.HashBlocks(), l.HashStart(), l.DigestSize(), m.Tree.Blocks, m.Tree.StartBlock, len(m.RootHash), manifest.ErrMalformed)
	}
	return r, nil
}

// geometry is what flags would have said.
func (r *recorded) geometry() verityGeometry {
	t, d := r.Tree, r.Data
	salt := append([]byte{}, t.Salt...)
	return verityGeometry{
		hash: &t.Algorithm, hashAsGiven: t.Algorithm, hashType: &t.HashType,
		dataBlockSize: &d.BlockSize, hashBlockSize: &t.BlockSize, dataBlocks: &d.Blocks,
		salt: salt, hashOffset: t.Offset, noSuperblock: !t.Superblock,
	}
}

func (r *recorded) tail() verity.Tail {
	switch r.Data.Tail {
	case manifest.TailPad:
		return verity.TailPad
	case manifest.TailTruncate:
		return verity.TailTruncate
	default:
		return verity.TailError
	}
}

// beside is the path of a file that the manifest names: in its own folder, whatever
// the name. What is no name of a file on this system is refused.
func (r *recorded) beside(f *manifest.File) (string, error) {
	if !filepath.IsLocal(f.Name) || filepath.Base(f.Name) != f.Name {
		return "", ui.Hint(ui.Failf("%s: %q is no name of a file here", r.path, f.Name), "name the file on the command line")
	}
	return filepath.Join(filepath.Dir(r.path), f.Name), nil
}

// namedFiles are the files of an image; "" is not given, or not there.
type namedFiles struct{ data, hash, parity, rootHash string }

// complete finds the files that the command line left open.
func (r *recorded) complete(f namedFiles) (namedFiles, error) {
	var err error
	switch {
	case f.hash != "":
	case r.Tree.In == manifest.InData:
		f.hash = f.data
	default:
		f.hash, err = r.beside(r.Tree.File)
	}
	if err == nil && f.rootHash == "" && r.RootHashFile != nil {
		f.rootHash, err = r.beside(r.RootHashFile)
	}
	switch p := r.Parity; {
	case err != nil:
	case p == nil && f.parity != "":
		return f, ui.Usagef("--fec-device: the manifest has no parity")
	case p == nil || f.parity != "":
	case p.In == manifest.InData:
		f.parity = f.data
	case p.In == manifest.InTree:
		f.parity = f.hash
	default:
		f.parity, err = r.beside(p.File)
	}
	return f, err
}

// parityFlags are what flags would have said of parity in a device.
func (r *recorded) parityFlags(device string) fecFlags {
	if r.Parity == nil {
		return fecFlags{roots: defaultFECRoots}
	}
	return fecFlags{device: device, roots: r.Parity.Roots, offset: r.Parity.Offset}
}
