package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// kernelLine is a kernel that the lab can boot: its name, and the Debian packages
// that depend on its newest build. The first that is of the line is taken; which one
// that is depends on the release of the host.
type kernelLine struct {
	name  string
	metas []string
}

var kernelLines = []kernelLine{
	{"6.1", []string{"linux-image-6.1-cloud-amd64", "linux-image-cloud-amd64"}},
	{"6.12", []string{"linux-image-6.12-cloud-amd64", "linux-image-cloud-amd64"}},
}

// Kernels returns the names for Config.Kernel, oldest first.
func Kernels() []string {
	names := make([]string, 0, len(kernelLines))
	for _, line := range kernelLines {
		names = append(names, line.name)
	}
	return names
}

func findLine(name string) (kernelLine, error) {
	if name == "" {
		name = DefaultKernel
	}
	for _, line := range kernelLines {
		if line.name == name {
			return line, nil
		}
	}
	return kernelLine{}, fmt.Errorf("kernel %q is not known: there are %s", name, strings.Join(Kernels(), ", "))
}

// kernel is a kernel in the cache, ready to boot.
type kernel struct {
	release string // as uname prints it
	image   string // for QEMU: an ELF file, or the bzImage of the package
	base    string // the archive of its modules and the bare root file system
	deb     string // the file in debs that it came from, without suffix
}

// Fetch makes sure that a kernel is in the cache, and returns its release. With
// update it asks apt for the newest one, otherwise one that was fetched before is
// good: a run with a filled cache uses no network.
func Fetch(ctx context.Context, name string, update bool) (release string, err error) {
	c, err := openCache()
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	line, err := findLine(name)
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	k, err := c.kernel(ctx, line, update)
	if err != nil {
		return "", fmt.Errorf("lab: fetching kernel %s: %w", line.name, err)
	}
	return k.release, nil
}

// Cached reports whether a kernel is in the cache, so that a run needs no network.
func Cached(name string) bool {
	c, err := openCache()
	if err != nil {
		return false
	}
	line, err := findLine(name)
	if err != nil {
		return false
	}
	file, err := c.pin("linux-" + line.name)
	return err == nil && file != "" && c.has("debs", file)
}

// kernel returns a kernel of the line, fetched and unpacked if need be.
func (c cache) kernel(ctx context.Context, line kernelLine, update bool) (*kernel, error) {
	name := "linux-" + line.name
	unlock, err := c.lock(ctx, name)
	if err != nil {
		return nil, err
	}
	defer unlock()
	deb, err := c.pin(name)
	if err != nil {
		return nil, err
	}
	if update || deb == "" || !c.has("debs", deb) {
		if deb, err = c.fetchNewest(ctx, name, line); err != nil {
			return nil, err
		}
	}
	stem := strings.TrimSuffix(deb, ".deb")
	dir := c.path("kernels", stem+"-"+layout())
	err = c.make(name, dir, func(tmp string) error {
		return c.unpackKernel(ctx, c.path("debs", deb), tmp)
	})
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", deb, err)
	}
	return readKernel(dir, stem)
}

// fetchNewest downloads the newest package of the line and pins it.
func (c cache) fetchNewest(ctx context.Context, name string, line kernelLine) (string, error) {
	pkg, err := resolve(ctx, line)
	if err != nil {
		return "", err
	}
	deb, err := c.download(ctx, name, pkg)
	if err != nil {
		return "", err
	}
	return deb, c.setPin(name, deb)
}

// The files of an unpacked kernel.
const (
	releaseFile = "release"
	elfFile     = "vmlinux"
	bzFile      = "vmlinuz"
	baseFile    = "base.cpio"
)

func readKernel(dir, deb string) (*kernel, error) {
	release, err := os.ReadFile(filepath.Join(dir, releaseFile))
	if err != nil {
		return nil, err
	}
	k := &kernel{release: string(release), base: filepath.Join(dir, baseFile), image: filepath.Join(dir, elfFile), deb: deb}
	if _, err := os.Stat(k.image); errors.Is(err, fs.ErrNotExist) {
		k.image = filepath.Join(dir, bzFile)
	}
	return k, nil
}

// unpackKernel makes the files of a kernel in dir from its package.
func (c cache) unpackKernel(ctx context.Context, deb, dir string) error {
	root := filepath.Join(dir, "root")
	if _, err := (command{name: "dpkg-deb", args: []string{"-x", deb, root}}).run(ctx); err != nil {
		return err
	}
	tree, err := moduleTree(root)
	if err != nil {
		return err
	}
	release := filepath.Base(tree)
	image, err := os.ReadFile(filepath.Join(root, "boot", "vmlinuz-"+release))
	if err != nil {
		return err
	}
	if err := writeImage(ctx, image, dir); err != nil {
		return err
	}
	if err := unpackModules(ctx, tree); err != nil {
		return err
	}
	if err := writeBase(tree, filepath.Join(dir, baseFile)); err != nil {
		return err
	}
	if err := os.RemoveAll(root); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, releaseFile), []byte(release), 0o644)
}

// moduleTree finds the one folder lib/modules/RELEASE below root.
func moduleTree(root string) (string, error) {
	for _, lib := range []string{"lib", "usr/lib"} {
		found, err := filepath.Glob(filepath.Join(root, lib, "modules", "*", "kernel"))
		if err != nil {
			return "", err
		}
		if len(found) == 1 {
			return filepath.Dir(found[0]), nil
		}
	}
	return "", errors.New("the package has no folder lib/modules/RELEASE/kernel")
}
