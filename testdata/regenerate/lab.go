package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ulikunitz/xz"
)

// labCorpus holds volumes of the kernel lab: every target that it can make, small, with
// content that is another one each time they are made.
const labCorpus = "lab"

func (e entry) ofLab() bool { return strings.HasPrefix(e.File, "images/"+labCorpus+"/") }

// packLab packs the volumes that TestLiveCorpus of kernel/difftest left in dir, in the
// place of the ones that were there, and writes the manifest.
func packLab(dir string) error {
	cases, err := readIndex(filepath.Join(dir, "index.json"))
	if err != nil {
		return err
	}
	entries, err := readManifest()
	if err != nil {
		return err
	}
	c := copier{from: dir, entries: slices.DeleteFunc(entries, entry.ofLab)}
	if err := os.RemoveAll(filepath.Join(corpus, "images", labCorpus)); err != nil {
		return err
	}
	release := ""
	for _, k := range cases {
		c.pack(k)
		release = k.MadeWith
	}
	c.add("index.json", "images/"+labCorpus+"/index.json", "the kernel lab, Linux "+release,
		"what a live kernel read from the volumes of this folder")
	if c.err != nil {
		return c.err
	}
	if err := writeManifest(c.entries); err != nil {
		return err
	}
	return check()
}

// pack makes the archive of one case from the folder of its name.
func (c *copier) pack(k kernelCase) {
	if c.err != nil {
		return
	}
	dir := filepath.Join(c.from, k.Name)
	packed, err := packed(dir, slices.Sorted(maps.Keys(k.SHA256)))
	if c.err = err; err != nil {
		return
	}
	to := "images/" + labCorpus + "/" + k.Name + ".tar.xz"
	c.put(to, packed, "the kernel lab, Linux "+k.MadeWith, k.proves())
}

// packed is a .tar.xz archive of files of a folder, the same for the same files.
func packed(dir string, names []string) ([]byte, error) {
	var b bytes.Buffer
	z, err := xz.NewWriter(&b)
	if err != nil {
		return nil, err
	}
	archive := tar.NewWriter(z)
	for _, name := range names {
		if filepath.Base(name) != name {
			return nil, fmt.Errorf("%s: image %q is not in the folder", dir, name)
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		h := tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(&h); err != nil {
			return nil, err
		}
		if _, err := archive.Write(content); err != nil {
			return nil, err
		}
	}
	err = errors.Join(archive.Close(), z.Close())
	return b.Bytes(), err
}
