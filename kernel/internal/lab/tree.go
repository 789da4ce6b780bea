package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/dmimg/dmimg/kernel/internal/lab/cpio"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/kmod"
)

// kept are the folders of the module tree that go into images, with all that their
// modules need. The kernel asks for ciphers and targets by name, so that whole
// folders must be there.
var kept = []string{
	"arch/x86/crypto", "block", "crypto", "lib", "security",
	"drivers/block", "drivers/char", "drivers/md", "drivers/nvme", "drivers/scsi", "drivers/virtio",
	"fs/configfs", "fs/erofs", "fs/ext4", "fs/fuse", "fs/jbd2", "fs/squashfs",
}

// skeleton are the folders of a guest beside those of files, and links its merged
// /usr.
var (
	skeleton  = []string{"dev", "proc", "sys", "run", "tmp", "etc", "root", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"}
	usrMerged = []string{"bin", "sbin", "lib", "lib64"}
)

// layoutVersion changes whenever the same package makes other files than before.
const layoutVersion = "1"

// layout names the form of unpacked kernels: the cache keeps those of other forms
// apart.
func layout() string {
	sum := sha256.Sum256(fmt.Append(nil, layoutVersion, kept, skeleton, usrMerged))
	return hex.EncodeToString(sum[:4])
}

// unpackModules unpacks all .ko.xz below tree in place.
func unpackModules(ctx context.Context, tree string) error {
	var packed []string
	err := filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".ko.xz") {
			packed = append(packed, name)
		}
		return err
	})
	if err != nil || len(packed) == 0 {
		return err
	}
	_, err = command{name: "xz", args: append([]string{"-d", "--"}, packed...)}.run(ctx)
	return err
}

// readTree indexes the modules in tree, which is lib/modules/RELEASE.
func readTree(tree string) (*kmod.Index, error) {
	var modules []kmod.Module
	err := filepath.WalkDir(tree, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".ko") {
			return err
		}
		file, err := filepath.Rel(tree, name)
		if err != nil {
			return err
		}
		m, err := readModule(name, filepath.ToSlash(file))
		modules = append(modules, m)
		return err
	})
	if err != nil {
		return nil, err
	}
	builtin, err := os.ReadFile(filepath.Join(tree, "modules.builtin"))
	if err != nil {
		return nil, err
	}
	return kmod.NewIndex(modules, kmod.ParseBuiltin(string(builtin))), nil
}

func readModule(name, file string) (kmod.Module, error) {
	f, err := os.Open(name)
	if err != nil {
		return kmod.Module{}, err
	}
	defer f.Close()
	return kmod.ReadModule(file, f)
}

// isKept reports whether a module is in one of the kept folders.
func isKept(m kmod.Module) bool {
	for _, dir := range kept {
		if strings.HasPrefix(m.File, "kernel/"+dir+"/") {
			return true
		}
	}
	return false
}

// writeBase writes the archive that all images of a kernel begin with.
func writeBase(tree, file string) error {
	index, err := readTree(tree)
	if err != nil {
		return err
	}
	return writeArchive(file, func(w *cpio.Writer) error {
		for _, dir := range skeleton {
			if err := w.Dir(dir); err != nil {
				return err
			}
		}
		for _, dir := range usrMerged {
			if err := w.Symlink(dir, "usr/"+dir); err != nil {
				return err
			}
		}
		return addModules(w, index.Select(isKept), tree)
	})
}

// addModules adds the modules of index from tree, and the index.
func addModules(w *cpio.Writer, index *kmod.Index, tree string) error {
	for _, m := range index.Modules() {
		if err := addHostFile(w, path.Join(guest.ModuleDir, m.File), filepath.Join(tree, m.File)); err != nil {
			return err
		}
	}
	return addIndex(w, guest.IndexPath, index)
}

func addIndex(w *cpio.Writer, name string, index *kmod.Index) error {
	var text strings.Builder
	if _, err := index.WriteTo(&text); err != nil {
		return err
	}
	return addText(w, name, text.String())
}

// writeArchive makes file an archive of what add adds.
func writeArchive(file string, add func(*cpio.Writer) error) (err error) {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := cpio.NewWriter(f)
	if err = add(w); err == nil {
		err = w.Close()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// addHostFile adds one file of the host.
func addHostFile(w *cpio.Writer, name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s: not a file", file)
	}
	return w.File(name, info.Mode(), info.Size(), f)
}

// addText adds a file with this content.
func addText(w *cpio.Writer, name, text string) error {
	return addBytes(w, name, 0o644, []byte(text))
}

// addBytes adds a file with this content and permission.
func addBytes(w *cpio.Writer, name string, perm fs.FileMode, data []byte) error {
	return w.File(name, perm, int64(len(data)), bytes.NewReader(data))
}
