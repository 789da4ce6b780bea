package cli

import (
	"context"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/manifest"
)

// takeManifest sets o from the manifest that --from-manifest names.
func (o *verityFormatOptions) takeManifest(ctx context.Context, s ui.Streams) (err error) {
	if o.fromManifest == "-" && o.data == "-" {
		return ui.Usagef("--from-manifest - and DATA -: standard input cannot be both")
	}
	if o.recorded, err = readManifest(ctx, s, o.fromManifest); err != nil {
		return err
	}
	files, err := o.recorded.complete(namedFiles{o.data, o.hash, o.fec.device, o.rootHashFile})
	if err != nil {
		return err
	}
	o.hash, o.rootHashFile = files.hash, files.rootHash
	o.geometry, o.tail, o.fec = o.recorded.geometry(), o.recorded.tail(), o.recorded.parityFlags(files.parity)
	if id := o.recorded.Tree.UUID; id != nil {
		o.uuid = (*[16]byte)(id)
	}
	if o.recorded.Signature != nil && o.signatureFile == "" {
		ui.Warnf(s.Err, "%s records a signature, %s, which is not looked at: --root-hash-signature names it", o.fromManifest, o.recorded.Signature.Name)
	}
	return o.emit.fillFrom(o.recorded.Emit)
}

// checkRecorded refuses files that are not where the manifest has them, before
// anything is hashed.
func (j *verityJob) checkRecorded() error {
	r := j.o.recorded
	if r == nil {
		return nil
	}
	for _, output := range []string{j.o.hash, j.o.fec.device, j.o.rootHashFile, j.o.manifest} {
		if r.path != "-" && output != "" && isSamePath(r.path, output) {
			return ui.Usagef("%s is the manifest: it cannot be an output too", output)
		}
	}
	if r.Tree.In != j.treePlace() {
		return ui.Usagef("HASH %s: the manifest has the tree in %s, not in %s", j.o.hash, placeName[r.Tree.In], placeName[j.treePlace()])
	}
	if p := r.Parity; p != nil && p.In != j.parityPlace() {
		return ui.Usagef("--fec-device %s: the manifest has the parity in %s, not in %s", j.o.fec.device, placeName[p.In], placeName[j.parityPlace()])
	}
	return nil
}

// placeName are the places of a manifest in the words of the command line.
var placeName = map[string]string{manifest.InFile: "a file of its own", manifest.InData: "DATA", manifest.InTree: "HASH"}

// loosenTail lets DATA be as short as the manifest has it, where its last block was
// filled up: the number of blocks is found anew then, and compared in the end.
func (j *verityJob) loosenTail() {
	g := &j.o.geometry
	if j.o.recorded == nil || j.o.tail != verity.TailPad {
		return
	}
	if whole, err := dataBytes(*g.dataBlocks, *g.dataBlockSize); err == nil && j.in.Size() < whole {
		g.dataBlocks = nil // of a stream the size is -1
	}
}

// agree refuses what was made if it is not what the manifest records.
func (j *verityJob) agree(made *manifest.Manifest) error {
	if j.o.recorded == nil {
		return nil
	}
	differences, err := manifest.Compare(j.o.recorded.Manifest, made)
	if err != nil || len(differences) == 0 {
		return err
	}
	if differences[0].Key == "root_hash" {
		return ui.Hint(ui.Corruptf("%s gives another image than %s records: %v", j.in.Name(), j.o.fromManifest, differences[0]),
			"DATA is not what the manifest was made from; nothing was written")
	}
	var lines []string
	for _, d := range differences {
		lines = append(lines, d.String())
	}
	return ui.Hint(ui.Corruptf("%s gives other files than %s records:\n%s", j.in.Name(), j.o.fromManifest, strings.Join(lines, "\n")),
		"the manifest was changed, or an output holds other bytes between its areas; nothing was written")
}
