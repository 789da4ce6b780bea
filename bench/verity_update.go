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
// Its file is larger than the others: of a smaller one the start of the program
// takes longer than a hundredth of the work.
func (v *verityFiles) update(ctx context.Context) (job, error) {
	const block = 4096
	size := 4 * v.size
	data, err := v.random(ctx, "data.update", size)
	if err != nil {
		return job{}, err
	}
	offset, length := size/2, (size/100+block-1)/block*block
	old := v.path("tree.old")
	if err := v.makeOldTree(ctx, old, data, offset, length); err != nil {
		return job{}, err
	}
	full := dmimgVerity(v.files, v.cores).format(data, []string{v.hash})
	full.name, full.baseline = "dmimg verity format (all of it)", true
	part := command{
		name: "dmimg verity update", outputs: full.outputs, same: full.same,
		args: []string{
			v.program, "verity", "update",
			fmt.Sprintf("--changed=%d:%d", offset, length), "--jobs=" + strconv.Itoa(v.cores), data, v.hash,
		},
		before: func(ctx context.Context) error {
			return copyFile(ctx, v.hash, old)
		},
	}
	return job{name: updatePart, bytes: size, commands: []command{part, full}}, nil
}

// makeOldTree makes the tree that data had when zeros stood in its middle, and
// brings data back to what it was.
func (v *verityFiles) makeOldTree(ctx context.Context, tree, data string, offset, length int64) error {
	now, err := exchange(data, offset, make([]byte, length))
	if err != nil {
		return err
	}
	if _, err := dmimgVerity(v.files, v.cores).format(data, []string{tree}).run(ctx); err != nil {
		return err
	}
	_, err = exchange(data, offset, now)
	return err
}

// exchange puts p into a file at an offset and returns what was there.
func exchange(path string, offset int64, p []byte) (was []byte, err error) {
	file, err := volume.OpenFile(path, os.O_RDWR, 0)
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
