package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/cpio"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// mountPoints are the folders that /init mounts something on.
var mountPoints = []string{"dev", "proc", "run", "sys", "tmp"}

const initPackage = "github.com/dmimg/dmimg/kernel/internal/lab/labinit"

// writeInitramfs writes the file that QEMU gives to the kernel: archives
// of the cache, and one with what this run adds.
func writeInitramfs(ctx context.Context, cfg Config, archives []string, file string) error {
	init, err := builtInit(ctx, filepath.Join(filepath.Dir(file), "init"))
	if err != nil {
		return err
	}
	files := map[string]string{}
	names := cfg.Tools
	if cfg.Udev {
		names = append(append([]string{}, names...), udevTools...)
		found, err := rules()
		if err != nil {
			return err
		}
		maps.Copy(files, found)
	}
	programs, err := tools(ctx, names)
	if err != nil {
		return err
	}
	maps.Copy(files, programs)
	for inside, host := range cfg.Files {
		files[inGuest(inside)] = host
	}
	if err := checkFiles(files); err != nil {
		return err
	}
	return appendArchive(archives, file, func(w *cpio.Writer) error {
		if err := addInit(w, init, cfg); err != nil {
			return err
		}
		return addFiles(w, files)
	})
}

// checkFiles refuses files that commands would not see.
func checkFiles(files map[string]string) error {
	for inside := range files {
		first, _, _ := strings.Cut(strings.TrimPrefix(inside, "/"), "/")
		if slices.Contains(mountPoints, first) {
			return fmt.Errorf("file %s: would be hidden by what is mounted on /%s inside", inside, first)
		}
	}
	return nil
}

// addInit adds the program init and what it reads.
func addInit(w *cpio.Writer, init []byte, cfg Config) error {
	spec, err := json.Marshal(guest.Spec{
		Time: time.Now(), Modules: cfg.Modules, Udev: cfg.Udev,
		Artifacts: cfg.Artifacts != "", Commands: cfg.Commands,
	})
	if err != nil {
		return err
	}
	if err := addText(w, guest.SpecPath, string(spec)); err != nil {
		return err
	}
	if err := w.Dir(guest.OutDir); err != nil {
		return err
	}
	if err := addBytes(w, "/init", 0o755, init); err != nil {
		return err
	}
	if err := w.Symlink("/usr/sbin/modprobe", "/init"); err != nil {
		return err
	}
	if err := addText(w, "/etc/passwd", udevUsers); err != nil {
		return err
	}
	return addText(w, "/etc/group", udevGroups)
}

// appendArchive makes file of archives and one more.
func appendArchive(archives []string, file string, add func(*cpio.Writer) error) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	for _, archive := range archives {
		in, err := os.Open(archive)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	w := cpio.NewWriter(out)
	if err := add(w); err != nil {
		return err
	}
	return w.Close()
}

// initOnce keeps the program /init of this process.
var initOnce struct {
	sync.Mutex
	program []byte
}

// builtInit returns the program /init, built as file at the first call.
func builtInit(ctx context.Context, file string) ([]byte, error) {
	initOnce.Lock()
	defer initOnce.Unlock()
	if initOnce.program != nil {
		return initOnce.program, nil
	}
	if err := goBuild(ctx, file, "build", initPackage); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	initOnce.program = program
	return program, nil
}

// goBuild builds a static program of the guest with "go build" or "go test -c".
func goBuild(ctx context.Context, file, verb, pkg string, flags ...string) error {
	args := append([]string{verb}, flags...)
	args = append(args, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", file, pkg)
	_, err := command{name: "go", args: args, env: []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1"}}.run(ctx)
	if err != nil {
		return fmt.Errorf("building %s: %w", pkg, err)
	}
	return nil
}
