package cryptsetup

import (
	"slices"
	"strings"
)

// action is something that cryptsetup does.
type action struct {
	name    string
	words   string // its arguments
	atLeast int
	help    string
	check   func(r *run) error // whether the options go together; nil: nothing to check
	do      func(r *run) error
}

// actions lists them in the order in which help shows them.
func actions() []action {
	return []action{
		{"open", "<device> [--type <type>] [<name>]", 1, "map <device> as <name>", (*run).checkOpen, (*run).openAction},
		{"close", "<name>", 1, "remove the mapping", (*run).checkClose, (*run).closeAction},
		{"resize", "<name>", 1, "change the length of a mapping", (*run).checkSizes, (*run).resizeAction},
		{"status", "<name>", 1, "show a mapping", nil, (*run).statusAction},
		{"benchmark", "[--cipher <cipher>]", 0, "not supported", nil, refuse(benchmarkText)},
		{"repair", "<device>", 1, "repair the header", nil, (*run).repair},
		{"reencrypt", "<device>", 1, "not supported", nil, refuse(reencryptText)},
		{"erase", "<device>", 1, "erase all key slots, so that nothing opens the device", nil, (*run).erase},
		{"convert", "<device>", 1, "turn LUKS1 into LUKS2, or back", nil, (*run).convert},
		{"config", "<device>", 1, "set labels or the priority of a key slot (LUKS2)", (*run).checkConfig, (*run).config},
		{"luksFormat", "<device> [<new key file>]", 1, "make a LUKS device", (*run).checkFormat, (*run).luksFormat},
		{"luksAddKey", "<device> [<new key file>]", 1, "add a key slot", (*run).checkAddKey, (*run).luksAddKey},
		{"luksRemoveKey", "<device> [<key file>]", 1, "remove the key slot that a passphrase opens", (*run).checkKeyFileWord, (*run).luksRemoveKey},
		{"luksChangeKey", "<device> [<key file>]", 1, "change the passphrase of a key slot", (*run).checkSlotCipher, (*run).luksChangeKey},
		{"luksConvertKey", "<device> [<key file>]", 1, "change the key derivation of a key slot", (*run).checkSlotCipher, (*run).luksConvertKey},
		{"luksKillSlot", "<device> <key slot>", 2, "wipe a key slot", (*run).checkKillSlot, (*run).luksKillSlot},
		{"luksUUID", "<device>", 1, "print or set the UUID", nil, (*run).luksUUID},
		{"isLuks", "<device>", 1, "say by the exit status whether it is LUKS", nil, (*run).isLuks},
		{"luksDump", "<device>", 1, "print the header", (*run).checkDump, (*run).luksDump},
		{"tcryptDump", "<device>", 1, "not supported", nil, refuse(foreignText("TCRYPT"))},
		{"bitlkDump", "<device>", 1, "not supported", nil, refuse(foreignText("BITLK"))},
		{"fvault2Dump", "<device>", 1, "not supported", nil, refuse(foreignText("FVAULT2"))},
		{"luksSuspend", "<device>", 1, "not supported", nil, refuse(suspendText)},
		{"luksResume", "<device>", 1, "not supported", nil, refuse(suspendText)},
		{"luksHeaderBackup", "<device>", 1, "save header and key slots in a file", nil, (*run).luksHeaderBackup},
		{"luksHeaderRestore", "<device>", 1, "write them back", nil, (*run).luksHeaderRestore},
		{"token", "<add|remove|import|export> <device>", 2, "manage the tokens (LUKS2)", (*run).checkToken, (*run).token},
	}
}

// aliases are older names: of an action, and the type of device that it is for.
var aliases = map[string]struct{ action, kind string }{
	"create": {"open", "plain"}, "plainOpen": {"open", "plain"}, "luksOpen": {"open", "luks"}, "loopaesOpen": {"open", "loopaes"},
	"tcryptOpen": {"open", "tcrypt"}, "bitlkOpen": {"open", "bitlk"}, "fvault2Open": {"open", "fvault2"}, "refresh": {"open", ""},
	"remove": {"close", "plain"}, "plainClose": {"close", "plain"}, "luksClose": {"close", "luks"}, "loopaesClose": {"close", "loopaes"},
	"tcryptClose": {"close", "tcrypt"}, "bitlkClose": {"close", "bitlk"}, "fvault2Close": {"close", "fvault2"},
	"luksErase": {"erase", "luks"}, "luksConfig": {"config", "luks2"},
}

// action finds what the first word names, and checks that it takes the other words and the
// options.
func (r *run) action() (action, error) {
	if len(r.Words) == 0 {
		return action{}, usagef("Argument <action> missing.")
	}
	word := r.Words[0]
	r.Words, r.kind = r.Words[1:], r.Values["type"]
	if old, ok := aliases[word]; ok {
		r.alias(word, old.kind)
		word = old.action
	}
	all := actions()
	i := slices.IndexFunc(all, func(a action) bool { return a.name == word })
	if i < 0 {
		return action{}, usagef("Unknown action.")
	}
	a := all[i]
	if len(r.Words) < a.atLeast {
		return a, usagef("%s: requires %s as arguments", a.name, a.words)
	}
	for _, o := range r.Given {
		if o.Only != "" && !slices.Contains(strings.Fields(o.Only), a.name) {
			return a, usagef("Option --%s is not allowed with %s action.", o.Long, a.name)
		}
	}
	if a.check != nil {
		return a, a.check(r)
	}
	return a, nil
}

// alias gives an older name its meaning.
func (r *run) alias(word, kind string) {
	if kind != "" {
		r.kind = kind
	}
	switch {
	case word == "create" && len(r.Words) >= 2: // the old order
		r.Words[0], r.Words[1] = r.Words[1], r.Words[0]
	case word == "refresh":
		r.Values["refresh"] = ""
	}
}
