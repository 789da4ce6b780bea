package dmsetup

import (
	"strings"

	"github.com/dmimg/dmimg/tables"
)

// params is the text of a table line, with zeros for keys unless --showkeys is given.
func (t *tool) params(l tables.Line) string {
	if t.has("showkeys") {
		return l.Params
	}
	switch l.Target {
	case "crypt", "inlinecrypt", "default-key": // dmsetup itself knows the first only
		return maskCrypt(l.Params)
	case "integrity":
		return maskIntegrity(l.Params)
	}
	return l.Params
}

// maskCrypt zeroes the second word, unless it names a key of the kernel.
func maskCrypt(params string) string {
	cipher, rest, ok := strings.Cut(params, " ")
	if !ok || strings.HasPrefix(rest, ":") {
		return params
	}
	key, rest, more := strings.Cut(rest, " ")
	text := cipher + " " + strings.Repeat("0", len(key))
	if more {
		text += " " + rest
	}
	return text
}

// integrityAlgorithms are the options of integrity that may hold a key.
var integrityAlgorithms = []string{"internal_hash:", "journal_crypt:", "journal_mac:"}

// maskIntegrity zeroes what follows the algorithm in its options.
func maskIntegrity(params string) string {
	words := strings.Split(params, " ")
	for i, w := range words {
		for _, option := range integrityAlgorithms {
			rest, ok := strings.CutPrefix(w, option)
			if !ok {
				continue
			}
			if algorithm, key, ok := strings.Cut(rest, ":"); ok {
				words[i] = option + algorithm + ":" + strings.Repeat("0", len(key))
			}
		}
	}
	return strings.Join(words, " ")
}
