package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The two corpora of volumes that a Linux kernel made and read.
var kernelCorpora = []string{"kernel-samples", "kernel-hard"}

// inScope names the targets whose images are committed now; a later target
// adds its name here and "regenerate copy" brings its images.
var inScope = []string{"linear", "striped", "unstriped", "zero", "error", "delay", "crypt", "verity"}

// kernelCase is the part of an index.json entry that this program reads.
type kernelCase struct {
	Name     string              `json:"name"`
	Tables   map[string][]string `json:"tables"`
	SHA256   map[string]string   `json:"sha256"`
	MadeWith string              `json:"made_with"`
	Note     string              `json:"note"`
	Expects  []struct {
		Device  string `json:"device"`
		Content string `json:"content"`
	} `json:"expects"`
}

func readIndex(path string) ([]kernelCase, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var cases []kernelCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return cases, nil
}

// targets returns the sorted target names of the case's tables; a crypt target
// is followed by its cipher.
func (c kernelCase) targets() []string {
	var names []string
	for _, lines := range c.Tables {
		for _, line := range lines {
			words := strings.Fields(line)
			if len(words) < 3 {
				continue
			}
			name := words[2]
			if name == "crypt" && len(words) > 3 {
				name += " " + words[3]
			}
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

func (c kernelCase) inScope() bool {
	for _, name := range c.targets() {
		if target, _, _ := strings.Cut(name, " "); !slices.Contains(inScope, target) {
			return false
		}
	}
	return len(c.Tables) > 0
}

func (c kernelCase) proves() string {
	what := strings.Join(c.targets(), " + ")
	if c.Note != "" {
		what += " (" + c.Note + ")"
	}
	for _, e := range c.Expects {
		what += fmt.Sprintf("; device %s reads as %s", e.Device, e.Content)
	}
	if len(c.Expects) == 0 {
		what += "; table and status only"
	}
	return what
}

// checkArchives unpacks every archive of the corpora in memory and returns how
// many members it compared with the digests of its index.
func checkArchives() (members int, err error) {
	for _, name := range append(slices.Clone(kernelCorpora), labCorpus) {
		dir := filepath.Join(corpus, "images", name)
		cases, err := readIndex(filepath.Join(dir, "index.json"))
		if err != nil {
			return members, err
		}
		for _, c := range cases {
			path := filepath.Join(dir, c.Name+".tar.xz")
			if _, err := os.Stat(path); err != nil {
				continue // out of scope: its table lines are all that is used
			}
			n, err := compareMembers(path, c.SHA256)
			members += n
			if err != nil {
				return members, err
			}
		}
	}
	return members, nil
}
