package bench

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// verityUUID is the one that all format commands write, so that their outputs
// can be compared.
const verityUUID = "5d6f3c1a-0b7e-4c56-9a3e-2f1d8b4c7e90"

// verityJobs make a hash tree and check the data against it, with the parameters
// that veritysetup takes by default.
func verityJobs(ctx context.Context, f *files) ([]job, error) {
	data, err := f.random(ctx, "data")
	if err != nil {
		return nil, err
	}
	tree, rootFile := f.path("tree"), f.path("root")
	prepare := command{name: "dmimg verity format", args: []string{
		f.program, "verity", "format", data, tree, "--salt", veritySalt(), "--uuid", verityUUID,
		"--root-hash-file", rootFile,
	}}
	if _, err := prepare.run(ctx); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(rootFile)
	if err != nil {
		return nil, err
	}
	root := strings.TrimSpace(string(text))
	hash := f.path("hash")
	format := job{name: "verity format, sha256, 4096-byte blocks, file in cache", bytes: f.size}
	verify := job{name: "verity verify, sha256, 4096-byte blocks, file in cache", bytes: f.size}
	for _, t := range verityTools(ctx, f) {
		made, checked := t.command, t.command
		made.args = slices.Concat(t.words, []string{"format"}, t.flags,
			[]string{"--salt=" + veritySalt(), "--uuid=" + verityUUID, data, hash})
		made.outputs, made.same = []string{hash}, "tree"
		checked.args = slices.Concat(t.words, []string{"verify"}, t.flags, []string{data, tree, root})
		format.commands, verify.commands = append(format.commands, made), append(verify.commands, checked)
	}
	return []job{format, verify}, nil
}

// verityTool is a program with veritysetup's grammar.
type verityTool struct {
	command          // without args and outputs
	words   []string // the program and what comes before the verb
	flags   []string // what comes after the verb
}

// verityTools returns our program with one job and with all, and the peers that
// are on this machine.
func verityTools(ctx context.Context, f *files) []verityTool {
	var tools []verityTool
	for _, jobs := range jobCounts(f.cores) {
		tools = append(tools, verityTool{
			command: command{name: jobsName(jobs)},
			words:   []string{f.program, "verity"},
			flags:   []string{"--jobs=" + strconv.Itoa(jobs)},
		})
	}
	for _, p := range []struct {
		program, version, source string
		baseline                 bool
	}{
		{"veritysetup", "--version", "package cryptsetup-bin", true},
		{"go-dmverity", "", "make bench builds it", false},
	} {
		path, err := exec.LookPath(p.program)
		if err != nil {
			f.lacks(fmt.Sprintf("%s: not found (%s)", p.program, p.source))
			continue
		}
		name := p.program
		if p.version != "" {
			name = versionOf(ctx, path, p.version)
		}
		tools = append(tools, verityTool{
			command: command{name: name, peer: true, baseline: p.baseline},
			words:   []string{path},
		})
	}
	return tools
}

func veritySalt() string { return hex.EncodeToString(testKey(saltBytes)) }
