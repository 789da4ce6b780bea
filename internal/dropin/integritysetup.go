package dropin

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// integritysetupOptions are in the order in which help shows them.
var integritysetupOptions = []popt.Option{
	{Long: "help", Short: '?', Help: "Show this help message", Stops: true},
	{Long: "usage", Help: "Display brief usage", Stops: true},
	{Long: "version", Short: 'V', Help: "Print the version", Stops: true},
	{Long: "allow-discards", Help: "Let discards through", Only: "open"},
	{Long: "batch-mode", Short: 'q', Help: "Ask nothing"},
	{Long: "buffer-sectors", Kind: popt.Number32, Value: "sectors", Help: "Sectors of a buffer"},
	{Long: "bitmap-flush-time", Kind: popt.Number32, Value: "ms", Help: "How often a bitmap is written"},
	{Long: "bitmap-sectors-per-bit", Kind: popt.Number32, Value: "sectors", Help: "Sectors for each bit of a bitmap"},
	{Long: "cancel-deferred", Help: "Call off a deferred removal", Only: "close"},
	{Long: "data-device", Kind: popt.Text, Value: "path", Help: "Device with the data, if it is apart"},
	{Long: "debug", Help: "Accepted; nothing more is printed than with --verbose"},
	{Long: "deferred", Help: "Remove the device when its last user closes it", Only: "close"},
	{Long: "integrity", Short: 'I', Kind: popt.Text, Value: "string", Help: "Hash that makes the tags"},
	{Long: "integrity-key-file", Kind: popt.Text, Value: "path", Help: "File with the key of the hash"},
	{Long: "integrity-key-size", Kind: popt.Number32, Value: "bytes", Help: "Size of that key"},
	{Long: "integrity-legacy-padding", Help: "Lay out tags as old kernels do"},
	{Long: "integrity-legacy-hmac", Help: "Make tags without salt, as old kernels do"},
	{Long: "integrity-legacy-recalculate", Help: "Let tags be computed anew with a key", Only: "open"},
	{Long: "integrity-no-journal", Short: 'D', Help: "Write without a journal"},
	{Long: "interleave-sectors", Kind: popt.Number32, Value: "sectors", Help: "Sectors of data between tags", Only: "format"},
	{Long: "journal-commit-time", Kind: popt.Number32, Value: "ms", Help: "How often the journal is committed"},
	{Long: "journal-integrity", Kind: popt.Text, Value: "string", Help: "Algorithm of the journal's MAC"},
	{Long: "journal-integrity-key-size", Kind: popt.Number32, Value: "bytes", Help: "Size of its key"},
	{Long: "journal-integrity-key-file", Kind: popt.Text, Value: "path", Help: "File with its key"},
	{Long: "journal-crypt", Kind: popt.Text, Value: "string", Help: "Cipher of the journal"},
	{Long: "journal-crypt-key-file", Kind: popt.Text, Value: "path", Help: "File with its key"},
	{Long: "journal-crypt-key-size", Kind: popt.Number32, Value: "bytes", Help: "Size of its key"},
	{Long: "journal-size", Short: 'j', Kind: popt.Text, Value: "bytes", Help: "Size of the journal", Only: "format"},
	{Long: "journal-watermark", Kind: popt.Number32, Value: "percent", Help: "Fill of the journal at which it is written back"},
	{Long: "no-wipe", Help: "Leave data and tags as they are", Only: "format"},
	{Long: "progress-frequency", Kind: popt.Number32, Value: "secs", Help: "Accepted: the wiping is quick, or has a bar of its own"},
	{Long: "progress-json", Help: "Show the progress of wiping as JSON", Only: "format"},
	{Long: "integrity-bitmap-mode", Short: 'B', Help: "Mark what is written in a bitmap, without a journal"},
	{Long: "integrity-recalculate", Help: "Compute tags that were not made yet", Only: "open"},
	{Long: "integrity-recalculate-reset", Help: "Compute all tags anew", Only: "open"},
	{Long: "integrity-recovery-mode", Short: 'R', Help: "Neither journal nor tags: to save data"},
	{Long: "sector-size", Short: 's', Kind: popt.Number32, Value: "bytes", Help: "Size of a block", Only: "format"},
	{Long: "device-size", Kind: popt.Text, Value: "bytes", Help: "Use only so much of the device", Only: "resize"},
	{Long: "size", Short: 'b', Kind: popt.Number64, Value: "sectors", Help: "Size of the device", Only: "resize"},
	{Long: "wipe", Help: "Wipe what is new", Only: "resize"},
	{Long: "strict-exit", Help: "Exit with the statuses of dmimg (dmimg only)"},
	{Long: "tag-size", Short: 't', Kind: popt.Number32, Value: "bytes", Help: "Size of a tag", Only: "format"},
	{Long: "verbose", Short: 'v', Help: "Say how it ended"},
}

func integritysetupActions() []action {
	return []action{
		{"format", "", "<integrity_device>", 1, "make an integrity device", integritysetupFormat},
		{"open", "create", "<integrity_device> <name>", 2, "map the device as <name>", integritysetupOpen},
		{"close", "remove", "<name>", 1, "remove the mapping", closeDevice},
		{"status", "", "<name>", 1, "show a mapping", integritysetupStatus},
		{"dump", "", "<integrity_device>", 1, "show what the superblock says", integritysetupDump},
		{"resize", "", "<name>", 1, "not supported", func(*run, *popt.Line) error {
			return exit.Paramf("Resizing is not supported: close the device and open it again after its file or partition has grown.")
		}},
	}
}

// integritysetup is the tool of that name, of version 2.6.
func integritysetup(r *run) error {
	r.usage = popt.Usage(r.tool, integritysetupOptions)
	c, err := parse(integritysetupOptions, r.args)
	if err != nil {
		if _, what, _ := strings.Cut(err.Error(), ": "); what == "invalid numeric value" {
			return exit.Usagef("integritysetup: %s", what) // which it does not name
		}
		return err
	}
	if c.Stop != "" {
		r.explainIntegrity(c.Stop)
		return nil
	}
	r.strict = c.Has("strict-exit")
	a, err := integritysetupAction(c)
	if err != nil {
		return err
	}
	r.verbose = c.Has("verbose") || c.Has("debug")
	return a.do(r, c)
}

// integritysetupAction finds the action that the first word names, and checks that it
// takes the other words and the options.
func integritysetupAction(c *popt.Line) (action, error) {
	if len(c.Words) == 0 {
		return action{}, exit.Usagef("integritysetup: Argument <action> missing.")
	}
	name := c.Words[0]
	actions := integritysetupActions()
	i := slices.IndexFunc(actions, func(a action) bool { return name == a.name || name == a.alias && a.alias != "" })
	if i < 0 {
		return action{}, exit.Usagef("integritysetup: Unknown action.")
	}
	a := actions[i]
	c.Words = c.Words[1:]
	if len(c.Words) < a.atLeast {
		return a, exit.Usagef("integritysetup: %s: requires %s as arguments", a.name, a.words)
	}
	if name == "create" { // the old order
		c.Words[0], c.Words[1] = c.Words[1], c.Words[0]
	}
	for _, o := range c.Given {
		if o.Only != "" && !slices.Contains(strings.Fields(o.Only), a.name) {
			return a, exit.Usagef("integritysetup: Option --%s is not allowed with %s action.", o.Long, a.name)
		}
	}
	for _, size := range []string{"journal-size", "device-size"} {
		if _, err := ui.ParseSize(c.Values[size]); c.Has(size) && err != nil {
			return a, exit.Usagef("integritysetup: Invalid size specification in parameter --%s.", size)
		}
	}
	return a, checkIntegrityOptions(c)
}

// maxIntegrityKey is the largest key in bytes, as in integritysetup.
const maxIntegrityKey = 4096

// checkIntegrityOptions refuses options that do not go together, in integritysetup's words.
func checkIntegrityOptions(c *popt.Line) error {
	for _, k := range []struct{ option, what string }{{"integrity", ""}, {"journal-integrity", "journal integrity "}, {"journal-crypt", "journal encryption "}} {
		switch size := k.option + "-key-size"; {
		case c.Has(k.option+"-key-file") != c.Has(size):
			return exit.Usagef("integritysetup: Both %skey file and key size options must be specified.", k.what)
		case c.Number(size, 0) > maxIntegrityKey:
			return exit.Usagef("integritysetup: Invalid --%s size. Maximum is %d bytes.", size, maxIntegrityKey)
		case k.option != "integrity" && c.Has(size) && !c.Has(k.option):
			return exit.Usagef("integritysetup: %s algorithm must be specified if %s key is used.", strings.ToUpper(k.what[:1])+strings.TrimSpace(k.what[1:]), strings.TrimSpace(k.what))
		}
	}
	switch {
	case c.Has("integrity-recovery-mode") && c.Has("integrity-bitmap-mode"):
		return exit.Usagef("integritysetup: Recovery and bitmap mode options are mutually exclusive.")
	case c.Has("cancel-deferred") && c.Has("deferred"):
		return exit.Usagef("integritysetup: Options --cancel-deferred and --deferred cannot be used at the same time.")
	case !c.Has("integrity-bitmap-mode") && (c.Has("bitmap-flush-time") || c.Has("bitmap-sectors-per-bit")):
		return exit.Usagef("integritysetup: Bitmap options can be used only in bitmap mode.")
	}
	return nil
}

// explainIntegrity prints help, usage or version.
func (r *run) explainIntegrity(what string) {
	switch what {
	case "usage":
		fmt.Fprint(r.Err, r.usage)
	case "version":
		fmt.Fprintln(r.Out, popt.Version(r.tool, "2.6.1"))
	default:
		fmt.Fprintf(r.Out, "%s\nUsage: %s [OPTION...] <action> <action-specific>\n\nHelp options:\n%s", popt.Version(r.tool, "2.6.1"), r.tool, popt.Help(integritysetupOptions))
		fmt.Fprint(r.Out, "\n<action> is one of:\n")
		for _, a := range integritysetupActions() {
			fmt.Fprintf(r.Out, "\t%s %s - %s\n", a.name, a.words, a.help)
		}
		fmt.Fprintf(r.Out, "\nDefaults:\n\tHash: %s, largest key: %d bytes\n", defaultIntegrityHash, maxIntegrityKey)
	}
}
