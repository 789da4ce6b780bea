package cryptsetup

import (
	"io"

	"github.com/dmimg/dmimg/volume/probe"
)

// signature is something that a device holds.
type signature struct {
	name   string // as blkid names it
	what   string // "superblock" or "partition"
	places int    // how often it is there
}

// partitionTables are the kinds of those, with blkid's names.
var partitionTables = map[string]string{"gpt": "gpt", "mbr": "dos"}

// signatures lists what is on a device before it is overwritten. What cannot be read is
// nothing.
func signatures(f io.ReaderAt, size int64) []signature {
	l, err := probe.Probe(f, size)
	if err != nil || l == nil {
		return nil
	}
	switch kind := l.Kind; kind {
	case "unknown", "empty":
		return nil
	case "luks1":
		return []signature{{"crypto_LUKS", "superblock", 1}}
	case "luks2":
		return []signature{{"crypto_LUKS", "superblock", 2}}
	default:
		if table, ok := partitionTables[kind]; ok {
			return []signature{{table, "partition", 1}}
		}
		return []signature{{kind, "superblock", 1}}
	}
}
