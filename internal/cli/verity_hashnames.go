package cli

import (
	"strings"

	"github.com/dmimg/dmimg/internal/hashes"
)

// knownHashes lists the names of the hash algorithms.
func knownHashes() string { return strings.Join(hashes.Names(), " ") }
