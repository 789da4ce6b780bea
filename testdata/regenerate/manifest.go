package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	maxFile   = 512 << 10 // bytes of one packed image
	maxCorpus = 12 << 20  // bytes of all files together
)

// entry is one committed file.
type entry struct {
	File    string `json:"file"`    // relative to the corpus, with slashes
	Bytes   int64  `json:"bytes"`   // size as committed
	SHA256  string `json:"sha256"`  // of the file as committed
	Origin  string `json:"origin"`  // what made it
	Licence string `json:"licence"` // under which it may be used
	Proves  string `json:"proves"`  // what a test learns from it
}

func manifestPath() string { return filepath.Join(corpus, "manifest.json") }

func readManifest() ([]entry, error) {
	raw, err := os.ReadFile(manifestPath())
	if err != nil {
		return nil, err
	}
	var entries []entry
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("%s: %w", manifestPath(), err)
	}
	return entries, nil
}

func writeManifest(entries []entry) error {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.File, b.File) })
	raw, err := json.MarshalIndent(entries, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(manifestPath(), append(raw, '\n'), 0o644)
}

// check compares the folder with the manifest, both ways, and every member of
// every archive with the digest in its index.
func check() error {
	entries, err := readManifest()
	if err != nil {
		return err
	}
	var faults []error
	listed := map[string]bool{}
	var total int64
	for _, e := range entries {
		listed[e.File] = true
		total += e.Bytes
		if err := checkEntry(e); err != nil {
			faults = append(faults, err)
		}
	}
	if total > maxCorpus {
		faults = append(faults, fmt.Errorf("%d bytes in all, more than %d", total, maxCorpus))
	}
	faults = append(faults, unlisted(listed)...)
	members, err := checkArchives()
	faults = append(faults, err)
	if err := errors.Join(faults...); err != nil {
		return err
	}
	fmt.Printf("testdata: %d files (%d bytes) and %d archived images are as recorded\n", len(entries), total, members)
	return nil
}

func checkEntry(e entry) error {
	raw, err := os.ReadFile(filepath.Join(corpus, filepath.FromSlash(e.File)))
	if err != nil {
		return err
	}
	if got := digest(raw); got != e.SHA256 || int64(len(raw)) != e.Bytes {
		return fmt.Errorf("%s: %d bytes with SHA-256 %s, manifest says %d and %s", e.File, len(raw), got, e.Bytes, e.SHA256)
	}
	if len(raw) > maxFile {
		return fmt.Errorf("%s: %d bytes, more than %d", e.File, len(raw), maxFile)
	}
	if e.Origin == "" || e.Licence == "" || e.Proves == "" {
		return fmt.Errorf("%s: origin, licence or proves is empty", e.File)
	}
	return nil
}

// unlisted returns a fault for every file of the images folder that the
// manifest does not name.
func unlisted(listed map[string]bool) []error {
	var faults []error
	err := filepath.WalkDir(filepath.Join(corpus, "images"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(corpus, path)
		if err == nil && !listed[filepath.ToSlash(name)] {
			faults = append(faults, fmt.Errorf("%s: not in the manifest", filepath.ToSlash(name)))
		}
		return err
	})
	if err != nil {
		faults = append(faults, err)
	}
	return faults
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
