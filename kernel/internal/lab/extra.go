package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel/internal/lab/cpio"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/kmod"
)

// kbuilds are the build files of the modules that Debian's kernels lack: folder of
// the kernel's source → its Kbuild. They build the unchanged source of the package
// linux-source.
var kbuilds = []struct{ dir, text string }{
	{"", "obj-m += drivers/md/ crypto/\n"},
	{"drivers/md", `obj-m += dm-dust.o dm-ebs.o dm-clone.o dm-historical-service-time.o dm-io-affinity.o
dm-ebs-y := dm-ebs-target.o
dm-clone-y := dm-clone-target.o dm-clone-metadata.o
dm-historical-service-time-y := dm-ps-historical-service-time.o
dm-io-affinity-y := dm-ps-io-affinity.o
`},
	{"crypto", "obj-m += sm4.o sm4_generic.o aria_generic.o hctr2.o xctr.o polyval-generic.o\n"},
}

// extraPrograms are needed to build modules, beside those for fetching.
var extraPrograms = []string{"make", "gcc", "bc", "tar", "strip"}

// FetchExtra makes sure that the modules of Config.Extra for a kernel are in the
// cache. They are built from source, in half a minute.
func FetchExtra(ctx context.Context, name string) error {
	c, err := openCache()
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	line, err := findLine(name)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	k, err := c.kernel(ctx, line, false)
	if err != nil {
		return fmt.Errorf("lab: fetching kernel %s: %w", line.name, err)
	}
	if _, err := c.extra(ctx, line, k); err != nil {
		return fmt.Errorf("lab: building modules for %s: %w", k.release, err)
	}
	return nil
}

// extra returns the archive of the extra modules for a kernel, built if need be.
func (c cache) extra(ctx context.Context, line kernelLine, k *kernel) (string, error) {
	name := "extra-" + line.name
	unlock, err := c.lock(ctx, name)
	if err != nil {
		return "", err
	}
	defer unlock()
	sum := sha256.Sum256(fmt.Append(nil, layoutVersion, kbuilds))
	dir := c.path("modules", k.deb+"-"+hex.EncodeToString(sum[:4]))
	err = c.make(name, dir, func(tmp string) error {
		b := extraBuild{dir: filepath.Join(tmp, "work"), line: line, kernel: k}
		if err := b.run(ctx, filepath.Join(tmp, baseFile)); err != nil {
			return err
		}
		return os.RemoveAll(b.dir)
	})
	return filepath.Join(dir, baseFile), err
}

// extraBuild is one build of the extra modules.
type extraBuild struct {
	dir    string
	line   kernelLine
	kernel *kernel
}

// run builds the modules and writes the archive of them to file.
func (b extraBuild) run(ctx context.Context, file string) error {
	if err := needApt(); err != nil {
		return err
	}
	if err := needPrograms(extraPrograms...); err != nil {
		return err
	}
	for _, dir := range []string{"debs", "root", "source"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o755); err != nil {
			return err
		}
	}
	for _, step := range []func(context.Context) error{b.fetch, b.unpack, b.make} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return b.archive(ctx, file)
}

// fetch downloads the headers and the source of exactly the kernel's version.
func (b extraBuild) fetch(ctx context.Context) error {
	headers := "linux-headers-" + b.kernel.release
	gone := &MissingError{
		What: []string{fmt.Sprintf("the headers and source of kernel %s in the lists of apt", b.kernel.release)},
		How:  "take the newest build: go run ./kernel/internal/lab/cmd/lab fetch -update " + b.line.name,
	}
	out, err := command{name: "apt-cache", args: []string{"depends", "--important", headers}}.run(ctx)
	if err != nil {
		return gone
	}
	names := append(headerPackages(string(out)), headers, "linux-source-"+b.line.name)
	_, version, _ := strings.Cut(b.kernel.deb, "_") // NAME_VERSION_ARCH
	version, _, _ = strings.Cut(version, "_")
	for i := range names {
		names[i] += "=" + version
	}
	args := append([]string{"download", "-q", "-o", "APT::Sandbox::User=root"}, names...)
	_, err = command{name: "apt-get", args: args, dir: filepath.Join(b.dir, "debs")}.run(ctx)
	if err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "was not found") {
		return gone
	}
	if err != nil {
		return staleLists(err)
	}
	return nil
}

// headerPackages finds what a package of headers cannot be used without in what
// apt-cache depends prints.
func headerPackages(text string) []string {
	var names []string
	for l := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSpace(l), "Depends: ")
		if ok && (strings.HasPrefix(name, "linux-headers-") || strings.HasPrefix(name, "linux-kbuild-")) {
			names = append(names, name)
		}
	}
	return names
}

// unpack unpacks the packages, and of the source the folders of kbuilds.
func (b extraBuild) unpack(ctx context.Context) error {
	debs, err := filepath.Glob(filepath.Join(b.dir, "debs", "*.deb"))
	if err != nil {
		return err
	}
	root, source := filepath.Join(b.dir, "root"), filepath.Join(b.dir, "source")
	for _, deb := range debs {
		if _, err := (command{name: "dpkg-deb", args: []string{"-x", deb, root}}).run(ctx); err != nil {
			return err
		}
	}
	top := "linux-source-" + b.line.name
	args := []string{"-xJf", filepath.Join(root, "usr/src", top+".tar.xz"), "-C", source, "--strip-components=1"}
	for _, k := range kbuilds[1:] {
		args = append(args, top+"/"+k.dir)
	}
	if _, err := (command{name: "tar", args: args}).run(ctx); err != nil {
		return err
	}
	for _, k := range kbuilds {
		if err := os.WriteFile(filepath.Join(source, k.dir, "Kbuild"), []byte(k.text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// make builds the modules with the headers where they are.
func (b extraBuild) make(ctx context.Context) error {
	src := filepath.Join(b.dir, "root", "usr/src")
	headers := filepath.Join(src, "linux-headers-"+b.kernel.release)
	makefile := filepath.Join(headers, "Makefile")
	text, err := os.ReadFile(makefile)
	if err != nil {
		return err
	}
	moved := strings.ReplaceAll(string(text), "/usr/src/", src+"/")
	if err := os.WriteFile(makefile, []byte(moved), 0o644); err != nil {
		return err
	}
	// Type information for BPF needs a program that is not packaged with the headers.
	_, err = command{name: "make", args: []string{
		"-s", "-j" + strconv.Itoa(runtime.NumCPU()), "-C", headers, "M=" + filepath.Join(b.dir, "source"),
		"CONFIG_DEBUG_INFO_BTF=", "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules",
	}}.run(ctx)
	return err
}

// archive strips the modules and writes them with their index.
func (b extraBuild) archive(ctx context.Context, file string) error {
	source := filepath.Join(b.dir, "source")
	var files []string
	err := filepath.WalkDir(source, func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".ko") {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err := (command{name: "strip", args: append([]string{"--strip-debug", "--"}, files...)}).run(ctx); err != nil {
		return err
	}
	var modules []kmod.Module
	for _, name := range files {
		m, err := readModule(name, path.Join("extra", filepath.Base(name)))
		if err != nil {
			return err
		}
		modules = append(modules, m)
	}
	return writeArchive(file, func(w *cpio.Writer) error {
		for i, m := range modules {
			if err := addHostFile(w, path.Join(guest.ModuleDir, m.File), files[i]); err != nil {
				return err
			}
		}
		return addIndex(w, guest.ExtraIndexPath, kmod.NewIndex(modules, nil))
	})
}
