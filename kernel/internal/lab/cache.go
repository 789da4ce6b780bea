package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// EnvCache names the folder of fetched kernels, instead of dmimg-lab in the user's
// cache folder.
const EnvCache = "DMIMG_LAB_CACHE"

// cache is a folder that several programs use at once:
//
//	debs/FILE.deb           packages as fetched
//	pins/NAME               the file in debs that NAME stands for at present
//	kernels/FILE-LAYOUT/    what was made of it: see kernel.go
//	modules/FILE-LAYOUT/    modules built beside it: see extra.go
//	runs/N/                 files of machines that run, and a lock that they hold
//	NAME.lock slot-N.lock   held while NAME is made, and while a machine runs
//
// What has its final name is complete and never changed.
type cache struct{ dir string }

func openCache() (cache, error) {
	dir := os.Getenv(EnvCache)
	if dir == "" {
		parent, err := os.UserCacheDir()
		if err != nil {
			return cache{}, fmt.Errorf("finding the cache: set %s: %w", EnvCache, err)
		}
		dir = filepath.Join(parent, "dmimg-lab")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return cache{}, fmt.Errorf("finding the cache: %w", err)
	}
	for _, sub := range []string{"debs", "pins", "kernels", "modules", "runs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return cache{}, fmt.Errorf("making the cache: %w", err)
		}
	}
	return cache{dir}, nil
}

func (c cache) path(elem ...string) string {
	return filepath.Join(append([]string{c.dir}, elem...)...)
}

func (c cache) has(elem ...string) bool {
	_, err := os.Stat(c.path(elem...))
	return err == nil
}

// pin returns the file in debs that name stands for, "" if none was fetched.
func (c cache) pin(name string) (string, error) {
	file, err := os.ReadFile(c.path("pins", name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(file), err
}

func (c cache) setPin(name, file string) error {
	tmp, err := c.temp(name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.WriteFile(filepath.Join(tmp, "pin"), []byte(file), 0o644); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, "pin"), c.path("pins", name))
}

// temp makes a folder beside the final ones, so that a rename is atomic. The caller
// holds the lock of name: what an interrupted run left under it goes away.
func (c cache) temp(name string) (string, error) {
	left, err := filepath.Glob(c.path("tmp-" + name + "-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(c.dir, "tmp-"+name+"-")
}

// make builds final, a folder in the cache, unless it is there: build fills another
// folder that gets the name when it is complete. The caller holds the lock of name.
func (c cache) make(name, final string, build func(dir string) error) error {
	if _, err := os.Stat(final); err == nil {
		return nil
	}
	tmp, err := c.temp(name)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := build(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, final)
}

// scratch makes a folder for one run, which remove removes. What runs left whose
// program was killed goes away too: nobody holds its lock.
func (c cache) scratch(ctx context.Context) (dir string, remove func(), err error) {
	unlock, err := c.lock(ctx, "runs")
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	left, err := filepath.Glob(c.path("runs", "*"))
	if err != nil {
		return "", nil, err
	}
	for _, old := range left {
		release, err := tryLock(filepath.Join(old, "lock"))
		if errors.Is(err, fs.ErrNotExist) || err == nil && release == nil {
			continue // removed meanwhile, or in use
		}
		if err == nil {
			err = os.RemoveAll(old)
			release()
		}
		if err != nil {
			return "", nil, err
		}
	}
	if dir, err = os.MkdirTemp(c.path("runs"), ""); err != nil {
		return "", nil, err
	}
	held, err := tryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		_ = os.RemoveAll(dir) // before the lock goes; what stays is removed by the next run
		held()
	}, nil
}

// lock waits until no other program holds the lock of name.
func (c cache) lock(ctx context.Context, name string) (unlock func(), err error) {
	return c.lockAny(ctx, []string{name})
}

// lockAny waits for one of several locks.
func (c cache) lockAny(ctx context.Context, names []string) (unlock func(), err error) {
	for {
		for _, name := range names {
			unlock, err := tryLock(c.path(name + ".lock"))
			if err != nil {
				return nil, fmt.Errorf("locking %s: %w", name, err)
			}
			if unlock != nil {
				return unlock, nil
			}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
