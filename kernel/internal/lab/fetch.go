package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// resolve asks apt which package the newest kernel of the line is in: the names
// hold the version and change with every update.
func resolve(ctx context.Context, line kernelLine) (string, error) {
	if err := needApt(); err != nil {
		return "", err
	}
	for _, meta := range line.metas {
		out, err := command{name: "apt-cache", args: []string{"depends", "--important", meta}}.run(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return "", err
			}
			continue // apt does not know the package
		}
		if pkg := dependency(string(out), line.name); pkg != "" {
			return pkg, nil
		}
	}
	return "", &MissingError{
		What: []string{fmt.Sprintf("a package of kernel %s (%s) in the lists of apt", line.name, strings.Join(line.metas, " or "))},
		How:  "sudo apt-get update, with a Debian release and its security updates in the sources",
	}
}

// dependency finds the first dependency of the kernel line in what apt-cache
// depends prints.
func dependency(text, line string) string {
	for l := range strings.Lines(text) {
		pkg, ok := strings.CutPrefix(strings.TrimSpace(l), "Depends: ")
		if !ok {
			continue
		}
		if version, ok := strings.CutPrefix(pkg, "linux-image-"); ok && strings.HasPrefix(version, line+".") {
			return pkg
		}
	}
	return ""
}

// needPlatform reports a machine that the lab is not made for.
func needPlatform() error {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return &MissingError{What: []string{"an amd64 Linux: this is " + runtime.GOOS + "/" + runtime.GOARCH}}
	}
	return nil
}

// needMachine reports what is missing for booting a kernel of the cache.
func needMachine() error {
	if err := needPlatform(); err != nil {
		return err
	}
	return needPrograms(qemuProgram, "go")
}

// needApt reports what is missing for fetching packages.
func needApt() error {
	if err := needPlatform(); err != nil {
		return err
	}
	return needPrograms("apt-get", "apt-cache", "dpkg-deb", "xz", "zstd")
}

// download fetches a package into debs and returns the name of its file. The caller
// holds the lock of name.
func (c cache) download(ctx context.Context, name, pkg string) (string, error) {
	tmp, err := c.temp(name)
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	// Without the option apt warns that its own user cannot write here.
	args := []string{"download", "-q", "-o", "APT::Sandbox::User=root", pkg}
	if _, err := (command{name: "apt-get", args: args, dir: tmp}).run(ctx); err != nil {
		return "", staleLists(err)
	}
	found, err := filepath.Glob(filepath.Join(tmp, "*.deb"))
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("apt-get download %s: left %d packages, want 1", pkg, len(found))
	}
	file := filepath.Base(found[0])
	return file, os.Rename(found[0], c.path("debs", file))
}

// staleLists says what to do when the servers have replaced what apt's lists name.
func staleLists(err error) error {
	if strings.Contains(err.Error(), "404") {
		return fmt.Errorf("the lists of apt are old: sudo apt-get update: %w", err)
	}
	return err
}
