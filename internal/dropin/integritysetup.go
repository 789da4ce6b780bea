package dropin

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// integritysetupOptions are in the order in which help shows them.
var integritysetupOptions = []option{
	{long: "help", short: '?', help: "Show this help message", stops: true},
	{long: "usage", help: "Display brief usage", stops: true},
	{long: "version", short: 'V', help: "Print the version", stops: true},
	{long: "allow-discards", help: "Let discards through", only: "open"},
	{long: "batch-mode", short: 'q', help: "Ask nothing"},
	{long: "buffer-sectors", kind: number32, value: "sectors", help: "Sectors of a buffer"},
	{long: "bitmap-flush-time", kind: number32, value: "ms", help: "How often a bitmap is written"},
	{long: "bitmap-sectors-per-bit", kind: number32, value: "sectors", help: "Sectors for each bit of a bitmap"},
	{long: "cancel-deferred", help: "Call off a deferred removal", only: "close"},
	{long: "data-device", kind: text, value: "path", help: "Device with the data, if it is apart"},
	{long: "debug", help: "Accepted; nothing more is printed than with --verbose"},
	{long: "deferred", help: "Remove the device when its last user closes it", only: "close"},
	{long: "integrity", short: 'I', kind: text, value: "string", help: "Hash that makes the tags"},
	{long: "integrity-key-file", kind: text, value: "path", help: "File with the key of the hash"},
	{long: "integrity-key-size", kind: number32, value: "bytes", help: "Size of that key"},
	{long: "integrity-legacy-padding", help: "Lay out tags as old kernels do"},
	{long: "integrity-legacy-hmac", help: "Make tags without salt, as old kernels do"},
	{long: "integrity-legacy-recalculate", help: "Let tags be computed anew with a key", only: "open"},
	{long: "integrity-no-journal", short: 'D', help: "Write without a journal"},
	{long: "interleave-sectors", kind: number32, value: "sectors", help: "Sectors of data between tags", only: "format"},
	{long: "journal-commit-time", kind: number32, value: "ms", help: "How often the journal is committed"},
	{long: "journal-integrity", kind: text, value: "string", help: "Algorithm of the journal's MAC"},
	{long: "journal-integrity-key-size", kind: number32, value: "bytes", help: "Size of its key"},
	{long: "journal-integrity-key-file", kind: text, value: "path", help: "File with its key"},
	{long: "journal-crypt", kind: text, value: "string", help: "Cipher of the journal"},
	{long: "journal-crypt-key-file", kind: text, value: "path", help: "File with its key"},
	{long: "journal-crypt-key-size", kind: number32, value: "bytes", help: "Size of its key"},
	{long: "journal-size", short: 'j', kind: text, value: "bytes", help: "Size of the journal", only: "format"},
	{long: "journal-watermark", kind: number32, value: "percent", help: "Fill of the journal at which it is written back"},
	{long: "no-wipe", help: "Leave data and tags as they are", only: "format"},
	{long: "progress-frequency", kind: number32, value: "secs", help: "Accepted: the wiping is quick, or has a bar of its own"},
	{long: "progress-json", help: "Show the progress of wiping as JSON", only: "format"},
	{long: "integrity-bitmap-mode", short: 'B', help: "Mark what is written in a bitmap, without a journal"},
	{long: "integrity-recalculate", help: "Compute tags that were not made yet", only: "open"},
	{long: "integrity-recalculate-reset", help: "Compute all tags anew", only: "open"},
	{long: "integrity-recovery-mode", short: 'R', help: "Neither journal nor tags: to save data"},
	{long: "sector-size", short: 's', kind: number32, value: "bytes", help: "Size of a block", only: "format"},
	{long: "device-size", kind: text, value: "bytes", help: "Use only so much of the device", only: "resize"},
	{long: "size", short: 'b', kind: number64, value: "sectors", help: "Size of the device", only: "resize"},
	{long: "wipe", help: "Wipe what is new", only: "resize"},
	{long: "strict-exit", help: "Exit with the statuses of dmimg (dmimg only)"},
	{long: "tag-size", short: 't', kind: number32, value: "bytes", help: "Size of a tag", only: "format"},
	{long: "verbose", short: 'v', help: "Say how it ended"},
}

func integritysetupActions() []action {
	return []action{
		{"format", "", "<integrity_device>", 1, "make an integrity device", integritysetupFormat},
		{"open", "create", "<integrity_device> <name>", 2, "map the device as <name>", integritysetupOpen},
		{"close", "remove", "<name>", 1, "remove the mapping", veritysetupClose},
		{"status", "", "<name>", 1, "show a mapping", integritysetupStatus},
		{"dump", "", "<integrity_device>", 1, "show what the superblock says", integritysetupDump},
		{"resize", "", "<name>", 1, "not supported", func(*run, *commandLine) error {
			return paramf("Resizing is not supported: close the device and open it again after its file or partition has grown.")
		}},
	}
}

// integritysetup is the tool of that name, of version 2.6.
func integritysetup(r *run) error {
	r.usage = usageText(r.tool, integritysetupOptions)
	c, err := parsePopt(integritysetupOptions, r.args)
	if err != nil {
		if _, what, _ := strings.Cut(err.Error(), ": "); what == "invalid numeric value" {
			return usagef("integritysetup: %s", what) // which it does not name
		}
		return err
	}
	if c.stop != "" {
		r.explainIntegrity(c.stop)
		return nil
	}
	r.strict = c.has("strict-exit")
	a, err := integritysetupAction(c)
	if err != nil {
		return err
	}
	r.verbose = c.has("verbose") || c.has("debug")
	return a.do(r, c)
}

// integritysetupAction finds the action that the first word names, and checks that it
// takes the other words and the options.
func integritysetupAction(c *commandLine) (action, error) {
	if len(c.words) == 0 {
		return action{}, usagef("integritysetup: Argument <action> missing.")
	}
	name := c.words[0]
	actions := integritysetupActions()
	i := slices.IndexFunc(actions, func(a action) bool { return name == a.name || name == a.alias && a.alias != "" })
	if i < 0 {
		return action{}, usagef("integritysetup: Unknown action.")
	}
	a := actions[i]
	c.words = c.words[1:]
	if len(c.words) < a.atLeast {
		return a, usagef("integritysetup: %s: requires %s as arguments", a.name, a.words)
	}
	if name == "create" { // the old order
		c.words[0], c.words[1] = c.words[1], c.words[0]
	}
	for _, o := range c.given {
		if o.only != "" && !slices.Contains(strings.Fields(o.only), a.name) {
			return a, usagef("integritysetup: Option --%s is not allowed with %s action.", o.long, a.name)
		}
	}
	for _, size := range []string{"journal-size", "device-size"} {
		if _, err := ui.ParseSize(c.values[size]); c.has(size) && err != nil {
			return a, usagef("integritysetup: Invalid size specification in parameter --%s.", size)
		}
	}
	return a, checkIntegrityOptions(c)
}

// maxIntegrityKey is the largest key in bytes, as in integritysetup.
const maxIntegrityKey = 4096

// checkIntegrityOptions refuses options that do not go together, in integritysetup's words.
func checkIntegrityOptions(c *commandLine) error {
	for _, k := range []struct{ option, what string }{{"integrity", ""}, {"journal-integrity", "journal integrity "}, {"journal-crypt", "journal encryption "}} {
		switch size := k.option + "-key-size"; {
		case c.has(k.option+"-key-file") != c.has(size):
			return usagef("integritysetup: Both %skey file and key size options must be specified.", k.what)
		case c.number(size, 0) > maxIntegrityKey:
			return usagef("integritysetup: Invalid --%s size. Maximum is %d bytes.", size, maxIntegrityKey)
		case k.option != "integrity" && c.has(size) && !c.has(k.option):
			return usagef("integritysetup: %s algorithm must be specified if %s key is used.", strings.ToUpper(k.what[:1])+strings.TrimSpace(k.what[1:]), strings.TrimSpace(k.what))
		}
	}
	switch {
	case c.has("integrity-recovery-mode") && c.has("integrity-bitmap-mode"):
		return usagef("integritysetup: Recovery and bitmap mode options are mutually exclusive.")
	case c.has("cancel-deferred") && c.has("deferred"):
		return usagef("integritysetup: Options --cancel-deferred and --deferred cannot be used at the same time.")
	case !c.has("integrity-bitmap-mode") && (c.has("bitmap-flush-time") || c.has("bitmap-sectors-per-bit")):
		return usagef("integritysetup: Bitmap options can be used only in bitmap mode.")
	}
	return nil
}

// explainIntegrity prints help, usage or version.
func (r *run) explainIntegrity(what string) {
	switch what {
	case "usage":
		fmt.Fprint(r.Err, r.usage)
	case "version":
		fmt.Fprintln(r.Out, integritysetupVersion())
	default:
		fmt.Fprintf(r.Out, "%s\nUsage: %s [OPTION...] <action> <action-specific>\n\nHelp options:\n%s", integritysetupVersion(), r.tool, optionHelp(integritysetupOptions))
		fmt.Fprint(r.Out, "\n<action> is one of:\n")
		for _, a := range integritysetupActions() {
			fmt.Fprintf(r.Out, "\t%s %s - %s\n", a.name, a.words, a.help)
		}
		fmt.Fprintf(r.Out, "\nDefaults:\n\tHash: %s, largest key: %d bytes\n", defaultIntegrityHash, maxIntegrityKey)
	}
}

// integritysetupVersion names the version that is spoken first, for scripts that compare it.
func integritysetupVersion() string {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return fmt.Sprintf("integritysetup 2.6.1 (dmimg %s)", version)
}
