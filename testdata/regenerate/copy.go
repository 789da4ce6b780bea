package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// own is the licence of everything made for this project.
const own = "MIT (made for this project)"

// luksImages are the images of luks/generated.json that are committed: one of
// each header version, small. The others are found by tests where the whole
// directory is at hand.
var luksImages = map[string]string{
	"l1-cbc-essiv.img.xz":        "a LUKS1 header is recognised, with its geometry",
	"l2-cbc-essiv-128-2k.img.xz": "a LUKS2 header is recognised, with its geometry",
}

// copyFrom brings the files of this project's own making from dir, writes the
// manifest and checks the result. Those of the lab stay as they are.
func copyFrom(dir string) error {
	entries, err := readManifest()
	if err != nil {
		return err
	}
	c := copier{from: dir, entries: slices.DeleteFunc(entries, func(e entry) bool { return !e.ofLab() })}
	c.add("verity_cases.json", "verity_cases.json", "veritysetup 2.6.1 (remade by: regenerate tools)",
		"root hash, hash area, superblock and FEC area of 21 runs of veritysetup format")
	c.add("detdata.py", "detdata.py", "written for this project",
		"defines the data of verity_cases.json and luks/generated.json")
	c.add("luks/generated.json", "images/luks/generated.json", "cryptsetup 2.6.1 and qemu-img",
		"geometry, keys and plaintext digests of LUKS images")
	for name, proves := range luksImages {
		c.add("luks/"+name, "images/luks/"+name, "cryptsetup 2.6.1", proves)
	}
	for _, name := range kernelCorpora {
		c.addKernelCorpus(name)
	}
	if c.err != nil {
		return c.err
	}
	if err := writeManifest(c.entries); err != nil {
		return err
	}
	return check()
}

// copier collects manifest entries while it copies; the first error sticks.
type copier struct {
	from    string
	entries []entry
	err     error
}

func (c *copier) add(from, to, origin, proves string) {
	if c.err != nil {
		return
	}
	raw, err := os.ReadFile(filepath.Join(c.from, filepath.FromSlash(from)))
	if err != nil {
		c.err = err
		return
	}
	c.put(to, raw, origin, proves)
}

// put writes a file of the corpus and its entry.
func (c *copier) put(to string, raw []byte, origin, proves string) {
	path := filepath.Join(corpus, filepath.FromSlash(to))
	if c.err = os.MkdirAll(filepath.Dir(path), 0o755); c.err != nil {
		return
	}
	if c.err = os.WriteFile(path, raw, 0o644); c.err != nil {
		return
	}
	c.entries = append(c.entries, entry{
		File: to, Bytes: int64(len(raw)), SHA256: digest(raw), Origin: origin, Licence: own, Proves: proves,
	})
}

func (c *copier) addKernelCorpus(name string) {
	const tool = "dmsetup, cryptsetup and veritysetup in a virtual machine, Linux "
	c.add(name+"/index.json", "images/"+name+"/index.json", tool+"6.1, 6.12 and 7.3",
		"every table line parses and formats back; what the kernel read, refused and logged")
	cases, err := readIndex(filepath.Join(c.from, name, "index.json"))
	if err != nil && c.err == nil {
		c.err = err
	}
	for _, k := range cases {
		file := k.Name + ".tar.xz"
		info, err := os.Stat(filepath.Join(c.from, name, file))
		switch {
		case err != nil || !k.inScope():
			continue
		case info.Size() > maxFile:
			fmt.Printf("left out, larger than %d bytes: %s/%s\n", maxFile, name, file)
			continue
		}
		release := k.MadeWith
		if release == "" {
			release = "6.1 or 6.12"
		}
		c.add(name+"/"+file, "images/"+name+"/"+file, tool+release, k.proves())
	}
}
