package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// packages says which Debian package has a program.
var packages = map[string]string{
	"qemu-system-x86_64": "qemu-system-x86",
	"apt-get":            "apt",
	"apt-cache":          "apt",
	"dpkg-deb":           "dpkg",
	"xz":                 "xz-utils",
	"zstd":               "zstd",
	"lz4":                "lz4",
	"ldd":                "libc-bin",
	"dmsetup":            "dmsetup",
	"cryptsetup":         "cryptsetup-bin",
	"veritysetup":        "cryptsetup-bin",
	"integritysetup":     "cryptsetup-bin",
	"lvm":                "lvm2",
	"thin_check":         "thin-provisioning-tools",
	"cache_check":        "thin-provisioning-tools",
	"era_check":          "thin-provisioning-tools",
	"losetup":            "mount",
	"blockdev":           "util-linux",
	"mke2fs":             "e2fsprogs",
	"systemd-udevd":      "udev",
	"udevadm":            "udev",
	"make":               "make",
	"gcc":                "gcc",
	"bc":                 "bc",
	"tar":                "tar",
	"strip":              "binutils",
}

// systemDirs are searched after PATH, which for users often lacks them.
var systemDirs = []string{"/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/systemd", "/lib/systemd"}

// findProgram returns the absolute path of a program of the host.
func findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return filepath.Abs(path)
	}
	if !strings.Contains(name, "/") {
		for _, dir := range systemDirs {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path, nil
			}
		}
	}
	return "", missingPrograms(name)
}

// needPrograms returns a MissingError for those that are not there.
func needPrograms(names ...string) error {
	var lacking []string
	for _, name := range names {
		if _, err := findProgram(name); err != nil {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return missingPrograms(lacking...)
}

func missingPrograms(names ...string) *MissingError {
	e := &MissingError{What: names}
	var install []string
	for _, name := range names {
		if p := packages[filepath.Base(name)]; p != "" && !slices.Contains(install, p) {
			install = append(install, p)
		}
	}
	if len(install) > 0 {
		e.How = "sudo apt-get install " + strings.Join(install, " ")
	}
	return e
}

// command is one call of a program of the host.
type command struct {
	name  string
	args  []string
	dir   string
	env   []string // added to the environment; LC_ALL=C always is
	stdin io.Reader
}

// run runs it and returns what it wrote to standard output.
func (c command) run(ctx context.Context) ([]byte, error) {
	path, err := findProgram(c.name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, c.args...)
	cmd.Dir, cmd.Stdin = c.dir, c.stdin
	cmd.Env = append(append(cmd.Environ(), "LC_ALL=C", "PATH="+searchPath(cmd.Environ())), c.env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stderr.String())
		if said == "" {
			said = strings.TrimSpace(stdout.String())
		}
		return nil, errors.Join(fmt.Errorf("running %s %s: %w: %s", c.name, strings.Join(c.args, " "), err, lastLines(said, 20)), ctx.Err())
	}
	return stdout.Bytes(), nil
}

// searchPath is PATH of env with systemDirs, which package scripts expect.
func searchPath(env []string) string {
	dirs := ""
	for _, v := range env {
		if value, ok := strings.CutPrefix(v, "PATH="); ok {
			dirs = value
		}
	}
	return strings.TrimPrefix(dirs+":"+strings.Join(systemDirs[:3], ":"), ":")
}

// lastLines returns the last n lines of text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
