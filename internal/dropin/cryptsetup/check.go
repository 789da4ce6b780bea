package cryptsetup

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// checkValues checks the values of options as they stand on the command line, whatever the
// action.
func (r *run) checkValues() error {
	keyFiles := 0
	for _, o := range r.Given {
		if o.Long == "key-file" {
			keyFiles++
		}
		if err := r.checkValue(o); err != nil {
			return err
		}
	}
	if keyFiles > 1 {
		return usagef("Only one --key-file argument is allowed.")
	}
	for alias, long := range map[string]string{"dump-master-key": "dump-volume-key", "master-key-file": "volume-key-file"} {
		if r.Has(alias) {
			r.Values[long] = r.Values[alias]
		}
	}
	return nil
}

func (r *run) checkValue(o popt.Option) error {
	value := r.Values[o.Long]
	switch o.Long {
	case "key-size", "keyslot-key-size":
		if r.Number(o.Long, 0)%8 != 0 {
			return usagef("Key size must be a multiple of 8 bits")
		}
	case "key-slot":
		if r.Int(o.Long, 0) < 0 {
			return usagef("Key slot is invalid.")
		}
	case "sector-size":
		if n := r.Number(o.Long, 0); n < 512 || n > 4096 || n&(n-1) != 0 {
			return usagef("Unsupported encryption sector size.")
		}
	case "priority":
		if !slices.Contains([]string{"ignore", "normal", "prefer"}, value) {
			return usagef("Option --priority can be only ignore/normal/prefer.")
		}
	case "device-size", "hotzone-size", "luks2-keyslots-size", "luks2-metadata-size", "reduce-device-size":
		n, ok := parseSize(value)
		switch {
		case !ok:
			return usagef("Invalid size specification in parameter --%s.", o.Long)
		case n == 0 && o.Long == "device-size":
			return usagef("%s", popt.ErrNumber)
		case n%512 != 0 && (o.Long == "device-size" || o.Long == "reduce-device-size"):
			return usagef("Device size must be multiple of 512 bytes sector.")
		}
	}
	return nil
}

// parseSize reads a size in bytes: digits, with K, M, G or T behind them, which may have iB
// (of 1024) or B (of 1000) behind it; or with S, of 512.
func parseSize(s string) (uint64, bool) {
	digits := strings.TrimRight(s, "KMGTkmgtsSiB")
	unit := s[len(digits):]
	if digits == "" || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return 0, false
	}
	factor := uint64(1)
	switch {
	case unit == "":
	case strings.EqualFold(unit, "s"):
		factor = 512
	default:
		base := map[string]uint64{"": 1024, "iB": 1024, "B": 1000}[unit[1:]]
		power := strings.IndexByte("kmgt", unit[0]|0x20) + 1
		if base == 0 || power == 0 {
			return 0, false
		}
		for range power {
			factor *= base
		}
	}
	return n * factor, n <= math.MaxInt64/factor
}

// size is the value of an option that checkValues found to be a size, 0 if it is not there.
func (r *run) size(long string) int64 {
	n, _ := parseSize(r.Values[long])
	return int64(n)
}

// isLUKS reports whether the type that was asked for may be LUKS.
func isLUKS(kind string) bool { return slices.Contains([]string{"", "luks", "luks1", "luks2"}, kind) }

func (r *run) checkOpen() error {
	plain := r.kind == "plain"
	switch {
	case r.Has("test-passphrase") && !isLUKS(r.kind) && !slices.Contains([]string{"tcrypt", "bitlk", "fvault2"}, r.kind):
		return usagef("Option --test-passphrase is allowed only for open of LUKS, TCRYPT, BITLK and FVAULT2 devices.")
	case r.Has("persistent") && r.Has("test-passphrase"):
		return usagef("Option --persistent is not allowed with --test-passphrase.")
	case r.Has("refresh") && r.Has("test-passphrase"):
		return usagef("Options --refresh and --test-passphrase are mutually exclusive.")
	case r.Has("shared") && !plain:
		return usagef("Option --shared is allowed only for open of plain device.")
	case r.Has("skip") && !plain && r.kind != "loopaes":
		return usagef("Option --skip is supported only for open of plain and loopaes devices.")
	case r.Has("offset") && !plain && r.kind != "loopaes":
		return usagef("Option --offset with open action is only supported for plain and loopaes devices.")
	case r.Has("unbound") && !r.Has("test-passphrase"):
		return usagef("Option --unbound cannot be used without --test-passphrase.")
	}
	if err := r.checkTCRYPT(); err != nil {
		return err
	}
	switch {
	case r.Has("sector-size") && !plain:
		return usagef("Sector size option with open action is supported only for plain devices.")
	case r.Has("iv-large-sectors") && (!plain || r.Number("sector-size", 512) <= 512):
		return usagef("Large IV sectors option is supported only for opening plain type device with sector size larger than 512 bytes.")
	}
	return r.checkSizes()
}

func (r *run) checkTCRYPT() error {
	tcrypt := r.kind == "tcrypt"
	switch {
	case tcrypt && r.Has("tcrypt-hidden") && r.Has("allow-discards"):
		return usagef("Option --tcrypt-hidden cannot be combined with --allow-discards.")
	case !tcrypt && (r.Has("tcrypt-hidden") || r.Has("tcrypt-system") || r.Has("tcrypt-backup")):
		return usagef("Option --tcrypt-hidden, --tcrypt-system or --tcrypt-backup is supported only for TCRYPT device.")
	case !tcrypt && (r.Has("veracrypt") || r.Has("disable-veracrypt")):
		return usagef("Option --veracrypt or --disable-veracrypt is supported only for TCRYPT device type.")
	}
	return nil
}

func (r *run) checkSizes() error {
	if r.Has("device-size") && r.Has("size") {
		return usagef("Options --device-size and --size cannot be combined.")
	}
	return nil
}

func (r *run) checkClose() error {
	if r.Has("deferred") && r.Has("cancel-deferred") {
		return usagef("Options --cancel-deferred and --deferred cannot be used at the same time.")
	}
	return nil
}

func (r *run) checkConfig() error {
	if r.Has("priority") && !r.Has("key-slot") {
		return usagef("Keyslot specification is required.")
	}
	return nil
}

func (r *run) checkDump() error {
	if r.Has("unbound") && !r.Has("key-slot") {
		return usagef("Keyslot specification is required.")
	}
	return nil
}

// checkKeyFileWord says what counts when a key file is given twice.
func (r *run) checkKeyFileWord() error {
	if r.Has("key-file") && len(r.Words) > 1 {
		r.complainf("Option --key-file takes precedence over specified key file argument.")
	}
	return nil
}

// checkSlotCipher checks the options of actions that make key slots.
func (r *run) checkSlotCipher() error {
	if r.Has("keyslot-cipher") != r.Has("keyslot-key-size") {
		return usagef("Options --keyslot-cipher and --keyslot-key-size must be used together.")
	}
	if r.Has("pbkdf") && !slices.Contains([]string{"pbkdf2", "argon2i", "argon2id"}, r.Values["pbkdf"]) {
		return usagef("Password-based key derivation function (PBKDF) can be only pbkdf2 or argon2i/argon2id.")
	}
	if r.Has("pbkdf-force-iterations") && r.Has("iter-time") {
		return usagef("PBKDF forced iterations cannot be combined with iteration time option.")
	}
	return nil
}

func (r *run) checkFormat() error {
	if err := r.checkKeyFileWord(); err != nil {
		return err
	}
	switch {
	case r.Has("align-payload") && r.Has("offset"):
		return usagef("Options --align-payload and --offset cannot be combined.")
	case r.Has("integrity-no-wipe") && !r.Has("integrity"):
		return usagef("Option --integrity-no-wipe can be used only for format action with integrity extension.")
	case r.Has("use-random") && r.Has("use-urandom"):
		return usagef("Only one of --use-[u]random options is allowed.")
	}
	return r.checkSlotCipher()
}

func (r *run) checkAddKey() error {
	if r.Has("unbound") && r.Number("key-size", 0) == 0 {
		return usagef("Key size is required with --unbound option.")
	}
	return r.checkSlotCipher()
}

func (r *run) checkKillSlot() error {
	if cInt(r.Words[1]) < 0 {
		return usagef("Key slot is invalid.")
	}
	return nil
}

// cInt is what C's atoi makes of s: the number that it begins with, 0 without one.
func cInt(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, _ := strconv.ParseInt(s[:end], 10, 32)
	return int(n)
}

// tokenActions are the words that follow token.
var tokenActions = []string{"add", "remove", "import", "export", "unassign"}

func (r *run) checkToken() error {
	what := r.word(0)
	switch {
	case !slices.Contains(tokenActions, what):
		return usagef("Invalid token action.")
	case what == "add" && !r.Has("key-description"):
		return usagef("--key-description parameter is mandatory for token add action.")
	case what == "unassign" && !r.Has("key-slot"):
		return usagef("Action requires specific keyslot. Use --key-slot parameter.")
	case (what == "remove" || what == "export" || what == "unassign") && !r.Has("token-id"):
		return usagef("Action requires specific token. Use --token-id parameter.")
	case r.Has("key-slot") && r.Has("unbound"):
		return usagef("Options --key-slot and --unbound cannot be combined.")
	}
	return nil
}
