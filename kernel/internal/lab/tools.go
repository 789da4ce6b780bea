package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/kernel/internal/lab/cpio"
)

// alongside are files that programs open by themselves, with a library that they
// have when they do.
var alongside = map[string]string{
	"libcrypto.so.3": "/usr/lib/x86_64-linux-gnu/ossl-modules",
}

// tools returns what it takes to have these programs of the host inside: path
// inside → file of the host.
func tools(ctx context.Context, names []string) (map[string]string, error) {
	files := map[string]string{}
	var lacking []string
	for _, name := range names {
		file, err := findProgram(name)
		if missing, ok := errors.AsType[*MissingError](err); ok {
			lacking = append(lacking, missing.What...)
			continue
		}
		if err != nil {
			return nil, err
		}
		files[inGuest(file)] = file
		libraries, err := libraries(ctx, file)
		if err != nil {
			return nil, err
		}
		maps.Copy(files, libraries)
	}
	if len(lacking) > 0 {
		return nil, missingPrograms(lacking...)
	}
	return files, nil
}

// libraries returns the shared libraries of a program, and what goes with them.
func libraries(ctx context.Context, file string) (map[string]string, error) {
	out, err := command{name: "ldd", args: []string{file}}.run(ctx)
	if err != nil {
		if strings.Contains(err.Error(), "not a dynamic executable") {
			return nil, nil
		}
		return nil, err
	}
	paths, err := parseLdd(string(out))
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", file, err)
	}
	files := map[string]string{}
	for _, p := range paths {
		files[inGuest(p)] = p
		extra := alongside[filepath.Base(p)]
		if _, err := os.Stat(extra); extra != "" && err == nil {
			files[inGuest(extra)] = extra
		}
	}
	return files, nil
}

// parseLdd returns the paths in what ldd prints: "name => path (address)", and
// "path (address)" for the loader.
func parseLdd(text string) ([]string, error) {
	var paths []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, found, arrow := strings.Cut(line, " => ")
		if !arrow {
			found = line
		}
		if strings.HasPrefix(found, "not found") {
			return nil, &MissingError{What: []string{name}}
		}
		if p, _, _ := strings.Cut(found, " ("); strings.HasPrefix(p, "/") {
			paths = append(paths, p)
		}
	}
	return paths, nil
}

// inGuest is where a file of the host is put inside, which has a merged /usr.
func inGuest(file string) string {
	file = path.Clean(filepath.ToSlash(file))
	for _, dir := range usrMerged {
		if strings.HasPrefix(file, "/"+dir+"/") {
			return "/usr" + file
		}
	}
	return file
}

// addFiles adds files and folders of the host: path inside → path on the host.
func addFiles(w *cpio.Writer, files map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		info, err := os.Stat(files[name])
		if err != nil {
			return err
		}
		if !info.IsDir() {
			err = addHostFile(w, name, files[name])
		} else {
			err = addFolder(w, name, files[name])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// addFolder adds a folder with all below it. Links are followed to files, and kept
// as they are to anything else.
func addFolder(w *cpio.Writer, name, folder string) error {
	return filepath.WalkDir(folder, func(file string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		inside := path.Join(name, filepath.ToSlash(rel))
		switch {
		case d.IsDir():
			return w.Dir(inside)
		case d.Type().IsRegular():
			return addHostFile(w, inside, file)
		case d.Type()&os.ModeSymlink == 0:
			return fmt.Errorf("%s: neither a file nor a folder", file)
		}
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return addHostFile(w, inside, file)
		}
		target, err := os.Readlink(file)
		if err != nil {
			return err
		}
		return w.Symlink(inside, target)
	})
}
