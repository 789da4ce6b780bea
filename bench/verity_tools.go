package bench

import (
	"context"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// verityUUID is the one that all format commands write, so that their outputs
// can be compared.
const verityUUID = "5d6f3c1a-0b7e-4c56-9a3e-2f1d8b4c7e90"

func veritySalt() string { return hex.EncodeToString(testKey(saltBytes)) }

// verityTool is a program with veritysetup's grammar.
type verityTool struct {
	command          // without args and outputs
	words   []string // the program and what comes before the verb
	flags   []string // what comes after the verb
	can     ability
}

// ability is what a tool can do besides making a tree of 4096-byte blocks.
type ability uint8

const (
	canVerify ability = 1 << iota
	canBlocks         // of any size
	canFEC
	canFormat ability = 0
	canAll            = canVerify | canBlocks | canFEC
)

// format is the command that makes hash, and with more flags other files, of data.
func (t verityTool) format(data string, outputs []string, more ...string) command {
	c := t.command
	c.args = slices.Concat(t.words, []string{"format"}, t.flags,
		[]string{"--salt=" + veritySalt(), "--uuid=" + verityUUID}, more, []string{data, outputs[0]})
	c.outputs, c.same = outputs, "tree"
	return c
}

// verify is the command that checks data and tree against root.
func (t verityTool) verify(data, tree, root string) command {
	c := t.command
	c.args = slices.Concat(t.words, []string{"verify"}, t.flags, []string{data, tree, root})
	return c
}

// dmimgVerity is our program.
func dmimgVerity(f *files, jobs int) verityTool {
	return verityTool{
		command: command{name: jobsName(jobs)},
		words:   []string{f.program, "verity"},
		flags:   []string{"--jobs=" + strconv.Itoa(jobs)},
		can:     canAll,
	}
}

// verityPeer says where to find one of the others.
type verityPeer struct {
	verityTool
	program, source string
	version         func(ctx context.Context, path string) string // nil: it has none
}

// built is the source of the peers that are Go programs.
const built = "make bench builds it"

func verityPeers() []verityPeer {
	return []verityPeer{
		{
			verityTool: verityTool{command: command{name: "veritysetup", peer: true, baseline: true}, can: canAll},
			program:    "veritysetup", source: "package cryptsetup-bin", version: toolVersion,
		},
		{
			verityTool: verityTool{command: command{name: "go-dmverity", peer: true}, can: canVerify | canBlocks},
			program:    "go-dmverity", source: built, version: moduleVersion("github.com/containerd/go-dmverity"),
		},
		{
			verityTool: verityTool{command: command{name: "plain Go loop", peer: true}, can: canFormat},
			program:    "go-loop", source: built,
		},
	}
}

// verityTools returns our program with all cores and with one, and the peers that
// are on this machine and can do what is needed; those that are not are noted.
func verityTools(ctx context.Context, f *files, needed ability) []verityTool {
	var tools []verityTool
	for _, jobs := range jobCounts(f.cores) {
		tools = append(tools, dmimgVerity(f, jobs))
	}
	for _, p := range verityPeers() {
		if p.can&needed != needed {
			continue
		}
		path, err := f.look(p.program)
		if err != nil {
			f.lacks(fmt.Sprintf("%s: %s not found (%s)", p.name, p.program, p.source))
			continue
		}
		p.words = []string{path}
		if p.version != nil {
			p.name = strings.TrimSpace(p.name + " " + p.version(ctx, path))
		}
		tools = append(tools, p.verityTool)
	}
	return tools
}

// toolVersion is the number in what a program prints about itself; "" if there is none.
func toolVersion(ctx context.Context, path string) string {
	said, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return ""
	}
	for _, word := range strings.Fields(string(said)) {
		if word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return ""
}

// withVersion is the name of a program with its version behind.
func withVersion(ctx context.Context, name, path string) string {
	return strings.TrimSpace(name + " " + toolVersion(ctx, path))
}

// moduleVersion reads from a Go program which version of a module is in it.
func moduleVersion(module string) func(context.Context, string) string {
	return func(_ context.Context, path string) string {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return ""
		}
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == module {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
		return ""
	}
}
