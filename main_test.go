package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/dmimg/dmimg/internal/cli/clitest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dmimg": main})
}

// TestScripts runs testdata/script/*.txtar; package clitest has the commands they
// use beside those of testscript.
func TestScripts(t *testing.T) {
	t.Parallel()
	commands := make(map[string]func(*testscript.TestScript, bool, []string))
	for name, run := range clitest.Commands() {
		commands[name] = func(ts *testscript.TestScript, neg bool, args []string) { run(ts, neg, args) }
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true, RequireUniqueNames: true,
		Condition: condition, Cmds: commands,
	})
}

// condition knows root, and have:TOOL: a real tool to compare with is installed. With
// DMIMG_TEST_REQUIRE=all a missing one is an error.
func condition(name string) (bool, error) {
	if name == "root" {
		return os.Getuid() == 0, nil
	}
	tool, ok := strings.CutPrefix(name, "have:")
	if !ok {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	_, err := exec.LookPath(tool)
	if err != nil && os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
		return false, fmt.Errorf("%s is required: %w", tool, err)
	}
	return err == nil, nil
}

// TestInterruptSignal sends a real signal to a program that has read a part of its
// input.
func TestInterruptSignal(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot be interrupted by another one")
	}
	dir := t.TempDir()
	cmd := exec.Command("dmimg", "verity", "format", "-", filepath.Join(dir, "hash"))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdin.Write(make([]byte, 8<<20)); err != nil { // more than a pipe holds: most of it was read
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != "dmimg: interrupted\n" {
		t.Errorf("exit status %d, stderr %q, want 1 and interrupted", code, stderr.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

const module = "github.com/dmimg/dmimg"

// mayImport says which folders of this module a folder's code may import, besides
// itself and what is below it. The longest folder that fits a package decides.
// Tests may import more.
var mayImport = map[string][]string{
	"":                  {"internal/cli"},
	"internal/hashes":   {},
	"internal/cli":      {"internal", "tables", "crypt", "verity", "volume", "kernel", "bench"},
	"internal/dropin":   {"internal", "tables", "crypt", "verity", "volume", "kernel", "bench"},
	"tables":            {},
	"crypt":             {"internal/hashes"},
	"crypt/xts":         {},
	"crypt/luks":        {"crypt", "internal/hashes", "tables"},
	"verity":            {"internal/hashes"},
	"verity/fec":        {},
	"verity/multihash":  {},
	"volume":            {"internal/hashes", "tables", "crypt", "verity"},
	"volume/integrity":  {"crypt", "internal/hashes"},
	"volume/internal":   {},
	"volume/nbd":        {},
	"volume/fuse":       {},
	"volume/stack":      {"volume", "crypt", "verity", "internal/hashes", "tables"},
	"volume/probe":      {"volume", "crypt", "verity", "internal/hashes", "tables"},
	"volume/volumetest": {"volume", "crypt", "verity", "internal/hashes", "tables"},
	"kernel":            {"tables"},
	"kernel/activate":   {"kernel", "tables", "crypt/luks", "verity"},
	"kernel/difftest":   {"internal", "tables", "crypt", "verity", "volume", "kernel", "bench"},
	"bench":             {"internal/hashes", "tables", "crypt", "verity", "volume"},
	"testdata":          {"internal", "tables", "crypt", "verity", "volume"},
}

// outsiders says which folders may import what is not the standard library; a
// package that is not listed may be imported by tests only.
var outsiders = map[string][]string{
	"golang.org/x/crypto":              {"internal/hashes", "crypt", "verity", "volume", "bench"},
	"golang.org/x/sys":                 {"volume", "kernel", "internal", "bench"},
	"golang.org/x/term":                {"internal"},
	"github.com/urfave/cli/v2":         {"internal/cli", "internal/dropin"},
	"github.com/vbauerster/mpb/v8":     {"internal/cli/ui"},
	"github.com/klauspost/cpuid/v2":    {"crypt/xts", "crypt/internal/aegis", "verity/multihash", "bench"},
	"github.com/klauspost/reedsolomon": {"verity/fec"},
	"github.com/smallstep/pkcs7":       {"verity/signature"},
	"lukechampine.com/adiantum":        {"crypt"},
	"github.com/ulikunitz/xz":          {"volume/volumetest", "testdata"},
	"unsafe":                           {"kernel", "crypt/xts", "crypt/internal/aegis", "verity/multihash"},
}

// goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not in PATH: the import rules cannot be checked")
	}
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); seen++ {
		var p goPackage
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		for _, path := range p.Imports {
			if reason := refused(folderOf(p.ImportPath), path); reason != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, path, reason)
			}
		}
	}
	if seen < 5 {
		t.Errorf("go list found %d packages", seen)
	}
}

func folderOf(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
}

// refused says why folder must not import path; "" if it may.
func refused(folder, path string) string {
	if path == module || strings.HasPrefix(path, module+"/") {
		target := folderOf(path)
		row := longest(folder)
		if isBelow(target, row) && row != "" || slices.ContainsFunc(mayImport[row], func(f string) bool { return isBelow(target, f) }) {
			return ""
		}
		return fmt.Sprintf("the row %q of the import rules does not have it", row)
	}
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") && path != "unsafe" {
		return "" // standard library
	}
	for outsider, folders := range outsiders {
		if isBelow(path, outsider) {
			if slices.ContainsFunc(folders, func(f string) bool { return isBelow(folder, f) }) {
				return ""
			}
			return fmt.Sprintf("only %s may", strings.Join(folders, ", "))
		}
	}
	return "it is on no list of dependencies"
}

// longest is the row of mayImport that fits folder best.
func longest(folder string) string {
	best := ""
	for row := range mayImport {
		if len(row) > len(best) && isBelow(folder, row) {
			best = row
		}
	}
	return best
}

// isBelow reports whether path is folder or inside it.
func isBelow(path, folder string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// TestImportRulesRefuse makes sure that the rules can say no.
func TestImportRulesRefuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder, path string
		want         bool
	}{
		{"tables", module + "/crypt", false},
		{"tables", "strings", true},
		{"tables", "unsafe", false},
		{"crypt", module + "/crypt/xts", true},
		{"crypt", module + "/internal/hashes", true},
		{"crypt/xts", module + "/crypt", false},
		{"crypt/xts", "github.com/klauspost/cpuid/v2", true},
		{"crypt", "github.com/klauspost/cpuid/v2", false},
		{"verity", module + "/crypt", false},
		{"volume", module + "/internal/cli", false},
		{"volume/nbd", module + "/volume", false},
		{"kernel", module + "/volume", false},
		{"", module + "/tables", false},
		{"", module + "/internal/cli", true},
		{"internal/cli/ui", module + "/verity", true},
		{"tables", "github.com/nobody/nothing", false},
	} {
		if got := refused(c.folder, c.path); (got == "") != c.want {
			t.Errorf("refused(%q, %q) = %q, want allowed: %t", c.folder, c.path, got, c.want)
		}
	}
}

// openers are the functions of package os that open files by name.
var openers = []string{"Open", "OpenFile", "Create", "CreateTemp"}

// opensFiles lists where files may be opened by name.
var opensFiles = []string{
	"volume/backend.go", "crypt/luks/file.go", "crypt/luks/file_linux.go", "kernel", "internal", "testdata", "bench/peers",
}

// TestSourceRules checks what go list cannot see: formatting, and that only few
// places open files, so that everything else works on readers and writers.
func TestSourceRules(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			if d != nil && d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "." {
				return fs.SkipDir
			}
			return err
		}
		src, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		checkSource(t, filepath.ToSlash(path), src)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkSource(t *testing.T, path string, src []byte) {
	formatted, err := format.Source(src)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if !bytes.Equal(formatted, src) {
		t.Errorf("%s is not formatted: run gofmt -w %s", path, path)
	}
	if strings.HasSuffix(path, "_test.go") || slices.ContainsFunc(opensFiles, func(f string) bool { return isBelow(path, f) }) {
		return
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, src, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := call.X.(*ast.Ident); ok && pkg.Name == "os" && slices.Contains(openers, call.Sel.Name) {
			t.Errorf("%s: os.%s: only %s may open files", set.Position(call.Pos()), call.Sel.Name, strings.Join(opensFiles, ", "))
		}
		return true
	})
}
