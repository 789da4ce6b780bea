package manifest

import (
	"encoding/hex"
	"strings"
	"unicode"
)

// maxName is the longest name of a file, in bytes; most file systems have this limit.
const maxName = 255

// CheckName refuses what is no plain name of a file on some system: with a directory,
// a drive, a stream or characters that are not seen. The error wraps [ErrMalformed].
func CheckName(name string) error {
	strange := func(r rune) bool {
		return strings.ContainsRune(`/\:`, r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar
	}
	if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsFunc(name, strange) {
		return malformed("%q is no plain name of a file", name)
	}
	return nil
}

// checkFiles checks each file by itself, and that no two have one name.
func (m *Manifest) checkFiles() error {
	seen := make(map[string]string)
	ends := map[string]int64{"tree.file": m.Tree.end()}
	files := []struct {
		key  string
		file *File
	}{{"tree.file", m.Tree.File}, {"root_hash_file", m.RootHashFile}, {"signature", m.Signature}}
	if p := m.Parity; p != nil {
		files = append(files, struct {
			key  string
			file *File
		}{"fec.file", p.File})
		ends["fec.file"] = p.Offset + p.Bytes
		if p.In == InTree {
			ends["tree.file"] = max(ends["tree.file"], p.Offset+p.Bytes)
		}
	}
	for _, f := range files {
		if f.file == nil {
			continue
		}
		if err := f.file.check(f.key, ends[f.key]); err != nil {
			return err
		}
		folded := strings.ToLower(f.file.Name) // some file systems do not tell case
		if other := seen[folded]; other != "" {
			return malformed("%s.name and %s.name are both %q", other, f.key, f.file.Name)
		}
		seen[folded] = f.key
	}
	return m.checkRootHashFile()
}

// check demands that a whole file reaches to where an area ends in it.
func (f *File) check(key string, end int64) error {
	if err := CheckName(f.Name); err != nil {
		return err
	}
	switch {
	case f.Content == nil:
		return nil
	case len(f.SHA256) != sumSize:
		return malformed("%s.sha256 has %d bytes, want %d", key, len(f.SHA256), sumSize)
	case f.Bytes < end:
		return malformed("%s.bytes is %d: what is in it ends at %d", key, f.Bytes, end)
	}
	return nil
}

// checkRootHashFile demands a file of exactly the digits.
func (m *Manifest) checkRootHashFile() error {
	f := m.RootHashFile
	if f != nil && f.Content != nil && f.Bytes != int64(hex.EncodedLen(len(m.RootHash))) {
		return malformed("root_hash_file.bytes is %d, the root hash has %d digits", f.Bytes, hex.EncodedLen(len(m.RootHash)))
	}
	return nil
}

// Bounds of what is emitted.
const (
	maxForms = 32
	maxWord  = 4096 // bytes
)

func (e *Emit) check() error {
	if e == nil {
		return nil
	}
	if len(e.Forms) == 0 || len(e.Forms) > maxForms {
		return malformed("emit.forms: %d of them", len(e.Forms))
	}
	words := append([]string{e.Name, e.Data, e.Tree, e.Parity, e.PartitionType}, e.Forms...)
	for _, word := range words {
		if len(word) > maxWord || strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
			return malformed("emit: %.40q is no word of a text", word)
		}
	}
	return nil
}
