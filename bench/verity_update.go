package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/dmimg/dmimg/volume"
)

// update compares hashing what changed with hashing all. Every turn of the update
// begins with a fresh copy of the old tree, and both must end with the same tree.
func (v *verityFiles) update(ctx context.Context) (job, error) {
	const block = 4096
	offset, length := v.size/2, (v.size/100+block-1)/block*block
	old := v.path("tree.old")
	if err := v.makeOldTree(ctx, old, offset, length); err != nil {
		return job{}, err
	}
	full := dmimgVerity(v.files, v.cores).format(v.data, []string{v.hash})
	full.name, full.baseline = "dmimg verity format (all of it)", true
	part := command{
		name: "dmimg verity update", outputs: full.outputs, same: full.same,
		args: []string{
			v.program, "verity", "update",
			fmt.Sprintf("--changed=%d:%d", offset, length), "--jobs=" + strconv.Itoa(v.cores), v.data, v.hash,
		},
		before: func(ctx context.Context) error {
			return copyFile(ctx, v.hash, old)
		},
	}
	return job{name: updatePart, bytes: v.size, commands: []command{part, full}}, nil
}

// makeOldTree makes the tree that data had when zeros stood in its middle, and
// brings data back to what it was.
func (v *verityFiles) makeOldTree(ctx context.Context, tree string, offset, length int64) error {
	now, err := v.exchange(offset, make([]byte, length))
	if err != nil {
		return err
	}
	if _, err := dmimgVerity(v.files, v.cores).format(v.data, []string{tree}).run(ctx); err != nil {
		return err
	}
	_, err = v.exchange(offset, now)
	return err
}

// exchange puts p into data at an offset and returns what was there.
func (v *verityFiles) exchange(offset int64, p []byte) (was []byte, err error) {
	file, err := volume.OpenFile(v.data, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	was = make([]byte, len(p))
	if _, err := file.ReadAt(was, offset); err != nil {
		return nil, err
	}
	_, err = file.WriteAt(p, offset)
	return was, err
}
