package bench

import (
	"context"
	"os"
	"strings"
)

// verityFiles are what the jobs of group verity start from.
type verityFiles struct {
	*files
	data     string // random bytes
	tree     string // of data, with superblock
	root     string // hash of tree, in hex
	hash     string // what the commands make
	zeroSalt string // digest of the tree that has a salt of zeros and no superblock
}

// verityJobs make a hash tree, check the data against it and keep it up to date,
// with the parameters that veritysetup takes by default and with small blocks.
func verityJobs(ctx context.Context, f *files) ([]job, error) {
	v, err := newVerityFiles(ctx, f)
	if err != nil {
		return nil, err
	}
	format := job{name: formatWhole, bytes: f.size, expected: map[string][]string{"tree of hcsshim": {v.zeroSalt}}}
	verify := job{name: verifyWhole, bytes: f.size}
	small := job{name: formatSmall, bytes: f.size, turns: 5}
	for _, t := range verityTools(ctx, f, canFormat) {
		format.commands = append(format.commands, t.format(v.data, []string{v.hash}))
	}
	if c, found := v.hcsshim(ctx); found {
		format.commands = append(format.commands, c)
	}
	for _, t := range verityTools(ctx, f, canVerify) {
		verify.commands = append(verify.commands, t.verify(v.data, v.tree, v.root))
	}
	for _, t := range verityTools(ctx, f, canBlocks) {
		small.commands = append(small.commands, t.format(v.data, []string{v.hash}, "--data-block-size=512", "--hash-block-size=512"))
	}
	update, err := v.update(ctx)
	if err != nil {
		return nil, err
	}
	return []job{format, verify, small, update}, nil
}

func newVerityFiles(ctx context.Context, f *files) (*verityFiles, error) {
	v := &verityFiles{files: f, tree: f.path("tree"), hash: f.path("hash")}
	var err error
	if v.data, err = f.random(ctx, "data", f.size); err != nil {
		return nil, err
	}
	rootFile := f.path("root")
	ours := dmimgVerity(f, f.cores)
	if _, err := ours.format(v.data, []string{v.tree}, "--root-hash-file="+rootFile).run(ctx); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, err
	}
	v.root = strings.TrimSpace(string(text))
	return v, v.makeZeroSalt(ctx)
}

// makeZeroSalt makes the tree that hcsshim makes with what it has fixed.
func (v *verityFiles) makeZeroSalt(ctx context.Context) error {
	path := v.path("tree.zero")
	c := command{name: "dmimg verity format", outputs: []string{path}, args: []string{
		v.program, "verity", "format", "--no-superblock", "--salt=" + strings.Repeat("00", saltBytes), v.data, path,
	}}
	if _, err := c.run(ctx); err != nil {
		return err
	}
	sums, err := digestFiles(c.outputs)
	if err != nil {
		return err
	}
	v.zeroSalt = sums[0]
	return os.Remove(path)
}

// hcsshim is the peer that takes no salt and writes no superblock.
func (v *verityFiles) hcsshim(ctx context.Context) (c command, found bool) {
	path, err := v.look("hcsshim-dmverity")
	if err != nil {
		v.lacks("hcsshim's ext4/dmverity: hcsshim-dmverity not found (" + built + ")")
		return command{}, false
	}
	version := moduleVersion("github.com/Microsoft/hcsshim")(ctx, path)
	return command{
		name: strings.TrimSpace("hcsshim "+version) + " ext4/dmverity", peer: true,
		args: []string{path, v.data, v.hash}, outputs: []string{v.hash}, same: "tree of hcsshim",
	}, true
}
