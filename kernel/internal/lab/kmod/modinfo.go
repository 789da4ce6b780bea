// Package kmod finds and loads the modules of a Linux kernel without depmod and
// modprobe: what a module needs and answers to is in its own .modinfo section.
//
//	module, err := kmod.ReadModule("kernel/drivers/md/dm-crypt.ko", file)
//	index := kmod.NewIndex(modules, builtin)
//	for _, m := range index.Resolve("crypto-xts(aes)") { … }
//
// The host makes an [Index] of a module tree and writes it into the image; the
// guest reads it, and loads modules with finit_module(2) in the order that
// Resolve gives. Names follow modprobe: "-" and "_" are the same, an alias may
// hold the wildcards of fnmatch(3). Module options and blacklists are not known.
package kmod

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// maxModinfo bounds the .modinfo section; the longest of Debian's have 100 KiB.
const maxModinfo = 4 << 20

// ErrNoModinfo reports a file that is no kernel module.
var ErrNoModinfo = errors.New("no .modinfo section")

// Module is what one .ko file says of itself.
type Module struct {
	// Name has "_" for "-", as in /proc/modules.
	Name string
	// File is the path below the module tree.
	File string
	// Depends are the names of modules whose symbols it uses.
	Depends []string
	// Before are modules that should be loaded first if they are there.
	Before []string
	// Aliases are other names and patterns that it answers to.
	Aliases []string
}

// ReadModule reads the .modinfo section of the uncompressed module r, which is at
// file in its tree.
func ReadModule(file string, r io.ReaderAt) (Module, error) {
	fail := func(err error) (Module, error) { return Module{}, fmt.Errorf("kmod: reading %q: %w", file, err) }
	f, err := elf.NewFile(r)
	if err != nil {
		return fail(err)
	}
	section := f.Section(".modinfo")
	if section == nil {
		return fail(ErrNoModinfo)
	}
	if section.Size > maxModinfo {
		return fail(fmt.Errorf(".modinfo of %d bytes: at most %d expected", section.Size, maxModinfo))
	}
	data, err := section.Data()
	if err != nil {
		return fail(err)
	}
	return parseModinfo(file, data), nil
}

// parseModinfo reads key=value strings that end in NUL.
func parseModinfo(file string, data []byte) Module {
	m := Module{Name: normal(strings.TrimSuffix(path.Base(file), ".ko")), File: file}
	for field := range bytes.SplitSeq(data, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "name":
			m.Name = normal(value)
		case "alias":
			m.Aliases = append(m.Aliases, value)
		case "softdep":
			m.Before = append(m.Before, before(value)...)
		case "depends":
			for name := range strings.SplitSeq(value, ",") {
				if name != "" {
					m.Depends = append(m.Depends, normal(name))
				}
			}
		}
	}
	return m
}

// before returns the modules after "pre:" in a soft dependency, up to "post:".
func before(softdep string) []string {
	var names []string
	pre := false
	for word := range strings.FieldsSeq(softdep) {
		switch word {
		case "pre:":
			pre = true
		case "post:":
			pre = false
		default:
			if pre {
				names = append(names, normal(word))
			}
		}
	}
	return names
}

// normal makes names that modprobe takes for equal the same.
func normal(name string) string { return strings.ReplaceAll(name, "-", "_") }

// ParseBuiltin reads modules.builtin: the paths of what is inside the kernel, one
// a line. It returns the names.
func ParseBuiltin(text string) []string {
	var names []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			names = append(names, normal(strings.TrimSuffix(path.Base(line), ".ko")))
		}
	}
	return names
}
