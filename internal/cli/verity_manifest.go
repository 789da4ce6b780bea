package cli

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/manifest"
)

// checkManifest finds out, before anything is hashed, whether the outputs have names
// that a manifest can record.
func (j *verityJob) checkManifest() error {
	if j.o.manifest == "" {
		return nil
	}
	if j.o.manifest == "-" {
		return ui.Usagef("--manifest cannot be -: standard output has the report")
	}
	seen := make(map[string]string)
	for _, path := range []string{j.o.hash, j.o.fec.device, j.o.rootHashFile, j.o.signatureFile} {
		if path == "" || path == j.o.hash && j.hashInData() || path == j.o.fec.device && j.parityPlace() != manifest.InFile {
			continue
		}
		name := filepath.Base(path)
		if err := manifest.CheckName(name); err != nil {
			return ui.Usagef("--manifest: %s: a manifest cannot record such a name", path)
		}
		if other := seen[strings.ToLower(name)]; other != "" {
			return ui.Usagef("--manifest: %s and %s: a manifest records names without directories, which must differ", other, path)
		}
		seen[strings.ToLower(name)] = path
	}
	for _, other := range []string{j.o.data, j.o.hash, j.o.fec.device, j.o.rootHashFile, j.o.signatureFile} {
		if other != "" && other != "-" && isSamePath(j.o.manifest, other) {
			return ui.Usagef("--manifest %s is another file of this command", j.o.manifest)
		}
	}
	return nil
}

// treePlace says in manifest terms where the tree goes.
func (j *verityJob) treePlace() string {
	if j.hashInData() {
		return manifest.InData
	}
	return manifest.InFile
}

// parityPlace says the same of the parity.
func (j *verityJob) parityPlace() string {
	switch {
	case j.hashInData() && isSamePath(j.o.fec.device, j.o.hash), ui.IsSameFile(j.in.Info(), ui.StatFile(j.o.fec.device)):
		return manifest.InData
	case isSamePath(j.o.fec.device, j.o.hash):
		return manifest.InTree
	default:
		return manifest.InFile
	}
}

// describe records what was made, with digests of what is now in the targets.
func (j *verityJob) describe(ctx context.Context) (*manifest.Manifest, error) {
	m := &manifest.Manifest{RootHash: j.root, Data: j.describeData(), Emit: j.o.emit.words()}
	if u, ok := j.partitionUUIDs(); ok {
		m.PartitionUUIDs = &u
	}
	m.Tree = manifest.Tree{
		In: j.treePlace(), HashType: j.params.HashType, Algorithm: j.params.Algorithm, Salt: j.params.Salt,
		Superblock: !j.o.geometry.noSuperblock, BlockSize: j.params.HashBlockSize,
		Offset: j.o.geometry.hashOffset, StartBlock: j.layout.HashStart(), Blocks: j.layout.HashBlocks(),
	}
	if m.Tree.Superblock {
		id := manifest.UUID(j.uuid)
		m.Tree.UUID = &id
	}
	if j.o.fec.device != "" {
		m.Parity = &manifest.Parity{
			In: j.parityPlace(), Roots: j.fec.Roots, Offset: j.o.fec.offset, Bytes: j.fec.ParityBytes(), CoveredBlocks: j.fec.Blocks,
		}
	}
	return m, j.describeFiles(ctx, m)
}

// describeData tells apart what may become of a ragged tail.
func (j *verityJob) describeData() manifest.Data {
	whole := j.layout.DataBytes()
	d := manifest.Data{Bytes: whole, BlockSize: j.params.DataBlockSize, Blocks: j.layout.DataBlocks(), Tail: manifest.TailNone}
	switch there := j.dataSize(); {
	case there < whole:
		d.Bytes, d.Tail = there, manifest.TailPad
	case j.o.tail == verity.TailTruncate && there > whole && (j.o.geometry.dataBlocks == nil || j.o.recorded != nil):
		d.Tail = manifest.TailTruncate
	}
	return d
}

// dataSize is how many bytes DATA has, or had if it was a stream.
func (j *verityJob) dataSize() int64 {
	if j.in.IsStream() {
		return j.streamed
	}
	return j.in.Size()
}

// describeFiles adds the digests of areas and files.
func (j *verityJob) describeFiles(ctx context.Context, m *manifest.Manifest) (err error) {
	if m.Tree.SHA256, err = digestOf(ctx, j.hash, treeExtents(m)...); err != nil {
		return err
	}
	if m.Tree.In == manifest.InFile {
		if m.Tree.File, err = describeFile(ctx, j.o.hash, j.hash); err != nil {
			return err
		}
	}
	if p := m.Parity; p != nil {
		if p.SHA256, err = digestOf(ctx, j.parity, extent{p.Offset, p.Bytes}); err != nil {
			return err
		}
		if p.In == manifest.InFile {
			if p.File, err = describeFile(ctx, j.o.fec.device, j.parity); err != nil {
				return err
			}
		}
	}
	if j.rootFile != nil {
		if m.RootHashFile, err = describeFile(ctx, j.o.rootHashFile, j.rootFile); err != nil {
			return err
		}
	}
	if j.signature != nil {
		sum := sha256.Sum256(j.signature)
		content := &manifest.Content{Bytes: int64(len(j.signature)), SHA256: sum[:]}
		m.Signature = &manifest.File{Name: filepath.Base(j.o.signatureFile), Content: content}
	}
	return nil
}

// describeFile records all of a file that is made anew, and of any other its name.
func describeFile(ctx context.Context, path string, t ui.Target) (*manifest.File, error) {
	f := &manifest.File{Name: filepath.Base(path)}
	out, ok := t.(*ui.Output)
	if !ok {
		return f, nil
	}
	info, err := out.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return f, err
	}
	sum, err := digestOf(ctx, out, extent{0, info.Size()})
	f.Content = &manifest.Content{Bytes: info.Size(), SHA256: sum}
	return f, err
}

// extent is length bytes from offset on.
type extent struct{ offset, length int64 }

// treeExtents are the parts of the hash area whose bytes the settings decide: the
// superblock, if there is one, and the tree.
func treeExtents(m *manifest.Manifest) []extent {
	size := int64(m.Tree.BlockSize)
	tree := extent{int64(m.Tree.StartBlock) * size, int64(m.Tree.Blocks) * size}
	if !m.Tree.Superblock {
		return []extent{tree}
	}
	return []extent{{m.Tree.Offset, verity.SuperblockSize}, tree}
}

// digestOf is the SHA-256 of parts of a file. What lies past its end is left out.
func digestOf(ctx context.Context, r io.ReaderAt, parts ...extent) ([]byte, error) {
	h := sha256.New()
	buf := make([]byte, digestChunk)
	for _, part := range parts {
		for done := int64(0); done < part.length; {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			n, err := r.ReadAt(buf[:min(digestChunk, part.length-done)], part.offset+done)
			h.Write(buf[:n])
			done += int64(n)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("reading for a digest: %w", err)
			}
		}
	}
	return h.Sum(nil), nil
}

// digestChunk is how many bytes are read at a time for a digest.
const digestChunk = 1 << 20

// record compares what was made with the manifest it was made from, and writes the
// one that is asked for.
func (j *verityJob) record(ctx context.Context) error {
	if j.o.recorded == nil && j.manifestFile == nil {
		return nil
	}
	m, err := j.describe(ctx)
	if err != nil {
		return err
	}
	if err := j.agree(m); err != nil || j.manifestFile == nil {
		return err
	}
	text, err := m.Encode()
	if err != nil {
		return err
	}
	if _, err := j.manifestFile.Write(text); err != nil {
		return fmt.Errorf("writing manifest: %w", err)
	}
	return nil
}
