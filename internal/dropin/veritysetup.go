package dropin

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
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
var veritysetupOptions = []option{
	{long: "help", short: '?', help: "Show this help message", stops: true},
	{long: "usage", help: "Display brief usage", stops: true},
	{long: "version", short: 'V', help: "Print the version", stops: true},
	{long: "cancel-deferred", help: "Call off a deferred removal", only: "close"},
	{long: "check-at-most-once", help: "Verify a data block when it is first read only"},
	{long: "compat", kind: text, value: "version", help: "Speak as version 2.6 or 2.8 does (dmimg only; default 2.8)"},
	{long: "data-block-size", kind: number32, value: "bytes", help: "Size of a data block"},
	{long: "data-blocks", kind: number64, value: "blocks", help: "Number of data blocks"},
	{long: "debug", help: "Accepted; nothing more is printed than with --verbose"},
	{long: "deferred", help: "Remove the device when its last user closes it", only: "close"},
	{long: "error-as-corruption", help: "Treat read errors as corruption", only: "open", since: compat28},
	{long: "fail-if-corrupt", help: "Do not open an image whose first block does not verify (dmimg only)", only: "open"},
	{long: "fec-device", kind: text, value: "path", help: "Device with error correction data"},
	{long: "fec-offset", kind: number64, value: "bytes", help: "Where the error correction data begins"},
	{long: "fec-roots", kind: number32, value: "bytes", help: "Parity bytes of each 255, from 2 to 24"},
	{long: "format", kind: number32, value: "number", help: "Format type: 1, or 0 for the one of Chrome OS"},
	{long: "hash", short: 'h', kind: text, value: "string", help: "Hash algorithm"},
	{long: "hash-block-size", kind: number32, value: "bytes", help: "Size of a hash block"},
	{long: "hash-offset", kind: number64, value: "bytes", help: "Where the hash area begins on the hash device"},
	{long: "ignore-corruption", help: "Log corruption, do nothing else", only: "open"},
	{long: "ignore-zero-blocks", help: "Do not verify blocks that should be zeros", only: "open"},
	{long: "json", help: "Print the report of format and dump as JSON (dmimg only)", only: "format dump"},
	{long: "no-superblock", help: "The hash area has no superblock"},
	{long: "panic-on-corruption", help: "Panic when corruption is met", only: "open"},
	{long: "restart-on-corruption", help: "Restart when corruption is met", only: "open"},
	{long: "root-hash-file", kind: text, value: "path", help: "File that holds the root hash", only: "format open verify"},
	{long: "root-hash-signature", kind: text, value: "path", help: "File that holds a signature of the root hash", only: "open"},
	{long: "salt", short: 's', kind: text, value: "hex string", help: "Salt, - for none"},
	{long: "shared", help: "Allow the data device to be in use", only: "open", since: compat28},
	{long: "strict-exit", help: "Exit with the statuses of dmimg (dmimg only)"},
	{long: "use-tasklets", help: "Verify in tasklets where that is faster", only: "open"},
	{long: "uuid", kind: text, value: "string", help: "UUID in the superblock"},
	{long: "verbose", short: 'v', help: "Say how it ended"},
}

// action is one action of veritysetup.
type action struct {
	name, alias string
	words       string // its arguments
	atLeast     int
	help        string
	do          func(r *run, c *commandLine) error
}

func veritysetupActions() []action {
	return []action{
		{"format", "", "<data_device> <hash_device>", 2, "make the hash tree", veritysetupFormat},
		{"verify", "", "<data_device> <hash_device> [<root_hash>]", 2, "check all data", veritysetupVerify},
		{"open", "create", "<data_device> <name> <hash_device> [<root_hash>]", 3, "map the image as <name>", veritysetupOpen},
		{"close", "remove", "<name>", 1, "remove the mapping", veritysetupClose},
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
	r.usage = usageText(r.tool, veritysetupOptions)
	c, err := parsePopt(veritysetupOptions, r.args)
	if err != nil {
		return err
	}
	style, err := styleOf(c)
	if err != nil {
		return err
	}
	if c.stop != "" {
		r.explain(c.stop, style)
		return nil
	}
	r.strict = c.has("strict-exit")
	a, err := veritysetupAction(c, style)
	if err != nil {
		return err
	}
	r.verbose = c.has("verbose") || c.has("debug")
	return a.do(r, c)
}

// styleOf is the value of --compat; what the older form does not know is refused.
func styleOf(c *commandLine) (string, error) {
	style := c.values["compat"]
	if !c.has("compat") {
		style = compat28
	}
	if style != compat26 && style != compat28 {
		return "", usagef("--compat=%s: want %s or %s", style, compat26, compat28)
	}
	for _, o := range c.given {
		if style == compat26 && o.since == compat28 {
			return "", usagef("--%s: unknown option", o.long)
		}
	}
	return style, nil
}

// veritysetupAction finds the action that the first word names, and checks that it
// takes the other words and the options.
func veritysetupAction(c *commandLine, style string) (action, error) {
	if len(c.words) == 0 {
		return action{}, usagef("veritysetup: Argument <action> missing.")
	}
	name := c.words[0]
	actions := veritysetupActions()
	i := slices.IndexFunc(actions, func(a action) bool { return name == a.name || name == a.alias && a.alias != "" })
	if i < 0 {
		return action{}, usagef("veritysetup: Unknown action.")
	}
	a := actions[i]
	c.words = c.words[1:]
	if len(c.words) < a.atLeast {
		return a, usagef("veritysetup: %s: requires %s as arguments", a.name, a.words)
	}
	if name == "create" { // the old order
		c.words[0], c.words[1] = c.words[1], c.words[0]
	}
	for _, o := range c.given {
		if o.only != "" && !slices.Contains(strings.Fields(o.only), a.name) {
			return a, usagef("veritysetup: Option --%s is not allowed with %s action.", o.long, a.name)
		}
	}
	for _, pair := range conflicts {
		if c.has(pair[0]) && c.has(pair[1]) {
			return a, usagef("veritysetup: Option --%s and --%s cannot be used together.", pair[0], pair[1])
		}
	}
	if c.has("error-as-corruption") && !c.has("restart-on-corruption") && !c.has("panic-on-corruption") {
		return a, usagef("veritysetup: Option --error-as-corruption needs --restart-on-corruption or --panic-on-corruption.")
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
		fmt.Fprintf(r.Out, "%s\nUsage: %s [OPTION...] <action> <action-specific>\n\nHelp options:\n%s", versionLine(style), r.tool, optionHelp(veritysetupOptions))
		fmt.Fprint(r.Out, "\n<action> is one of:\n")
		for _, a := range veritysetupActions() {
			fmt.Fprintf(r.Out, "\t%s %s - %s\n", a.name, a.words, a.help)
		}
		fmt.Fprintf(r.Out, "\nDefaults:\n\tHash: %s, Data block (bytes): %d, Hash block (bytes): %d, Salt size: %d, Hash format: %d\n",
			defaultHash, defaultBlockSize, defaultBlockSize, defaultSaltSize, defaultFormat)
	}
}

// versionLine names the version that is spoken first, for scripts that compare it.
func versionLine(style string) string {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	spoken := map[string]string{compat26: "2.6.1", compat28: "2.8.0"}[style]
	return fmt.Sprintf("veritysetup %s (dmimg %s)", spoken, version)
}
