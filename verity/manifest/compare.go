package manifest

import (
	"cmp"
	"fmt"
	"strings"
)

// Difference is a key whose value differs between two manifests. A value is as JSON
// has it, "" where the key is missing.
type Difference struct{ Key, Recorded, Made string }

// String puts the difference into words.
func (d Difference) String() string {
	return fmt.Sprintf("%s: recorded %s, made %s", d.Key, cmp.Or(d.Recorded, "nothing"), cmp.Or(d.Made, "nothing"))
}

// Compare lists in what the image that was made differs from the one that was
// recorded, the root hash first, else in the order of the keys. The names of files do
// not count, nor what was asked to be emitted, nor what became of a ragged tail (the
// root hash proves the same), nor the size and digest of a whole file where one of the
// two does not have it. The error is that of [Manifest.Encode].
func Compare(recorded, made *Manifest) ([]Difference, error) {
	a, err := recorded.facts()
	if err != nil {
		return nil, err
	}
	b, err := made.facts()
	if err != nil {
		return nil, err
	}
	var list []Difference
	all := make(map[string]string)
	for _, side := range []map[string]string{a, b} {
		for key := range side {
			all[key] = ""
		}
	}
	for _, key := range keysOf(all) {
		if a[key] == b[key] || isWhole(key) && (a[key] == "" || b[key] == "") {
			continue
		}
		d := Difference{key, a[key], b[key]}
		if key == "root_hash" {
			list = append([]Difference{d}, list...)
		} else {
			list = append(list, d)
		}
	}
	return list, nil
}

// facts are the values that two manifests of one image share.
func (m *Manifest) facts() (map[string]string, error) {
	b, err := m.Encode()
	if err != nil {
		return nil, err
	}
	values, err := flatten(b)
	if err != nil {
		return nil, malformed("%w", err)
	}
	for key := range values {
		if strings.HasSuffix(key, ".name") || key == "data.tail" || key == "data.bytes" || strings.HasPrefix(key, "emit.") {
			delete(values, key)
		}
	}
	return values, nil
}

// isWhole reports whether key is about a whole file.
func isWhole(key string) bool {
	for _, file := range []string{"tree.file.", "fec.file.", "root_hash_file.", "signature."} {
		if strings.HasPrefix(key, file) {
			return true
		}
	}
	return false
}
