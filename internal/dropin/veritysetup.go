package dropin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// VerityBodies do the work of veritysetup. The methods are handed checked values;
// they print data only, and their errors carry the statuses of dmimg.
type VerityBodies interface {
	// Format makes a hash tree in place and prints the report.
	Format(ctx context.Context, s ui.Streams, o VerityFormat) error
	// Dump prints what the superblock says.
	Dump(ctx context.Context, s ui.Streams, o VerityDump) error
	// Verify checks an image and prints nothing.
	Verify(ctx context.Context, o VerityVerify) (*VerityVerdict, error)
}

// Forms of the output. The later one has a full stop after the title and units.
const (
	compat26 = "2.6"
	compat28 = "2.8"
)

// veritysetupOptions are in the order in which help shows them.
var veritysetupOptions = []popt.Option{
	{Long: "help", Short: '?', Help: "Show this help message", Stops: true},
	{Long: "usage", Help: "Display brief usage", Stops: true},
	{Long: "version", Short: 'V', Help: "Print the version", Stops: true},
	{Long: "cancel-deferred", Help: "Call off a deferred removal", Only: "close"},
	{Long: "check-at-most-once", Help: "Verify a data block when it is first read only"},
	{Long: "compat", Kind: popt.Text, Value: "version", Help: "Speak as version 2.6 or 2.8 does (dmimg only; default 2.8)"},
	{Long: "data-block-size", Kind: popt.Number32, Value: "bytes", Help: "Size of a data block"},
	{Long: "data-blocks", Kind: popt.Number64, Value: "blocks", Help: "Number of data blocks"},
	{Long: "debug", Help: "Accepted; nothing more is printed than with --verbose"},
	{Long: "deferred", Help: "Remove the device when its last user closes it", Only: "close"},
	{Long: "error-as-corruption", Help: "Treat read errors as corruption", Only: "open", Since: compat28},
	{Long: "fail-if-corrupt", Help: "Do not open an image whose first block does not verify (dmimg only)", Only: "open"},
	{Long: "fec-device", Kind: popt.Text, Value: "path", Help: "Device with error correction data"},
	{Long: "fec-offset", Kind: popt.Number64, Value: "bytes", Help: "Where the error correction data begins"},
	{Long: "fec-roots", Kind: popt.Number32, Value: "bytes", Help: "Parity bytes of each 255, from 2 to 24"},
	{Long: "format", Kind: popt.Number32, Value: "number", Help: "Format type: 1, or 0 for the one of Chrome OS"},
	{Long: "hash", Short: 'h', Kind: popt.Text, Value: "string", Help: "Hash algorithm"},
	{Long: "hash-block-size", Kind: popt.Number32, Value: "bytes", Help: "Size of a hash block"},
	{Long: "hash-offset", Kind: popt.Number64, Value: "bytes", Help: "Where the hash area begins on the hash device"},
	{Long: "ignore-corruption", Help: "Log corruption, do nothing else", Only: "open"},
	{Long: "ignore-zero-blocks", Help: "Do not verify blocks that should be zeros", Only: "open"},
	{Long: "json", Help: "Print the report of format and dump as JSON (dmimg only)", Only: "format dump"},
	{Long: "no-superblock", Help: "The hash area has no superblock"},
	{Long: "panic-on-corruption", Help: "Panic when corruption is met", Only: "open"},
	{Long: "restart-on-corruption", Help: "Restart when corruption is met", Only: "open"},
	{Long: "root-hash-file", Kind: popt.Text, Value: "path", Help: "File that holds the root hash", Only: "format open verify"},
	{Long: "root-hash-signature", Kind: popt.Text, Value: "path", Help: "File that holds a signature of the root hash", Only: "open"},
	{Long: "salt", Short: 's', Kind: popt.Text, Value: "hex string", Help: "Salt, - for none"},
	{Long: "shared", Help: "Allow the data device to be in use", Only: "open", Since: compat28},
	{Long: "strict-exit", Help: "Exit with the statuses of dmimg (dmimg only)"},
	{Long: "use-tasklets", Help: "Verify in tasklets where that is faster", Only: "open"},
	{Long: "uuid", Kind: popt.Text, Value: "string", Help: "UUID in the superblock"},
	{Long: "verbose", Short: 'v', Help: "Say how it ended"},
}

// action is one action of veritysetup.
type action struct {
	name, alias string
	words       string // its arguments
	atLeast     int
	help        string
	do          func(r *run, c *popt.Line) error
}

func veritysetupActions() []action {
	return []action{
		{"format", "", "<data_device> <hash_device>", 2, "make the hash tree", veritysetupFormat},
		{"verify", "", "<data_device> <hash_device> [<root_hash>]", 2, "check all data", veritysetupVerify},
		{"open", "create", "<data_device> <name> <hash_device> [<root_hash>]", 3, "map the image as <name>", veritysetupOpen},
		{"close", "remove", "<name>", 1, "remove the mapping", closeDevice},
		{"status", "", "<name>", 1, "show a mapping", veritysetupStatus},
		{"dump", "", "<hash_device>", 1, "show what the superblock says", veritysetupDump},
	}
}

// conflicts are options that exclude each other.
var conflicts = [][2]string{
	{"ignore-corruption", "restart-on-corruption"},
	{"panic-on-corruption", "restart-on-corruption"},
	{"cancel-deferred", "deferred"},
}

func veritysetup(r *run) error {
	r.usage = popt.Usage(r.tool, veritysetupOptions)
	c, err := parse(veritysetupOptions, r.args)
	if err != nil {
		return err
	}
	style, err := styleOf(c)
	if err != nil {
		return err
	}
	if c.Stop != "" {
		r.explain(c.Stop, style)
		return nil
	}
	r.strict = c.Has("strict-exit")
	a, err := veritysetupAction(c, style)
	if err != nil {
		return err
	}
	r.verbose = c.Has("verbose") || c.Has("debug")
	return a.do(r, c)
}

// styleOf is the value of --compat; what the older form does not know is refused.
func styleOf(c *popt.Line) (string, error) {
	style := c.Values["compat"]
	if !c.Has("compat") {
		style = compat28
	}
	if style != compat26 && style != compat28 {
		return "", exit.Usagef("--compat=%s: want %s or %s", style, compat26, compat28)
	}
	for _, o := range c.Given {
		if style == compat26 && o.Since == compat28 {
			return "", exit.Usagef("--%s: unknown option", o.Long)
		}
	}
	return style, nil
}

// veritysetupAction finds the action that the first word names, and checks that it
// takes the other words and the options.
func veritysetupAction(c *popt.Line, style string) (action, error) {
	if len(c.Words) == 0 {
		return action{}, exit.Usagef("veritysetup: Argument <action> missing.")
	}
	name := c.Words[0]
	actions := veritysetupActions()
	i := slices.IndexFunc(actions, func(a action) bool { return name == a.name || name == a.alias && a.alias != "" })
	if i < 0 {
		return action{}, exit.Usagef("veritysetup: Unknown action.")
	}
	a := actions[i]
	c.Words = c.Words[1:]
	if len(c.Words) < a.atLeast {
		return a, exit.Usagef("veritysetup: %s: requires %s as arguments", a.name, a.words)
	}
	if name == "create" { // the old order
		c.Words[0], c.Words[1] = c.Words[1], c.Words[0]
	}
	for _, o := range c.Given {
		if o.Only != "" && !slices.Contains(strings.Fields(o.Only), a.name) {
			return a, exit.Usagef("veritysetup: Option --%s is not allowed with %s action.", o.Long, a.name)
		}
	}
	for _, pair := range conflicts {
		if c.Has(pair[0]) && c.Has(pair[1]) {
			return a, exit.Usagef("veritysetup: Option --%s and --%s cannot be used together.", pair[0], pair[1])
		}
	}
	if c.Has("error-as-corruption") && !c.Has("restart-on-corruption") && !c.Has("panic-on-corruption") {
		return a, exit.Usagef("veritysetup: Option --error-as-corruption needs --restart-on-corruption or --panic-on-corruption.")
	}
	return a, nil
}

// explain prints help, usage or version.
func (r *run) explain(what, style string) {
	switch what {
	case "usage":
		fmt.Fprint(r.Err, r.usage)
	case "version":
		fmt.Fprintln(r.Out, versionLine(style))
	default:
		fmt.Fprintf(r.Out, "%s\nUsage: %s [OPTION...] <action> <action-specific>\n\nHelp options:\n%s", versionLine(style), r.tool, popt.Help(veritysetupOptions))
		fmt.Fprint(r.Out, "\n<action> is one of:\n")
		for _, a := range veritysetupActions() {
			fmt.Fprintf(r.Out, "\t%s %s - %s\n", a.name, a.words, a.help)
		}
		fmt.Fprintf(r.Out, "\nDefaults:\n\tHash: %s, Data block (bytes): %d, Hash block (bytes): %d, Salt size: %d, Hash format: %d\n",
			defaultHash, defaultBlockSize, defaultBlockSize, defaultSaltSize, defaultFormat)
	}
}

// versionLine names the version that is spoken.
func versionLine(style string) string {
	return popt.Version("veritysetup", map[string]string{compat26: "2.6.1", compat28: "2.8.0"}[style])
}
