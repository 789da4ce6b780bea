package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// TestPackage is a Go package whose tests run inside.
type TestPackage struct {
	// Package is an import path, or a path that begins with "./", as for go test.
	Package string
	// Args go to the test binary: "-test.run=Live", "-test.short".
	Args []string
	// Env is added to the environment.
	Env []string
}

// TestResult is what became of the tests of one package.
type TestResult struct {
	// Package is the import path.
	Package string
	// Exit is the exit status of the test binary; 0 if the package passed.
	Exit int
	// Tests are all that began, in the order they did.
	Tests []Test
	// Output is all that the test binary wrote, as go test -v shows it.
	Output string
	// Elapsed is the time it took by the guest's clock.
	Elapsed time.Duration
	// Guest is what the boot left, which several packages may share.
	Guest *Result
}

// Count returns how many tests passed, failed and were skipped. Subtests count, and
// the tests around them too, as go test -v lists them.
func (r *TestResult) Count() (passed, failed, skipped int) {
	for _, t := range r.Tests {
		switch t.Status {
		case Pass:
			passed++
		case Skip:
			skipped++
		default:
			failed++
		}
	}
	return passed, failed, skipped
}

// GoTest builds the test binary of one package, without cgo, and runs it inside.
// cfg needs no Commands: those that it has run before. The testdata folder of the
// package is there, and a go.mod above it. See [Run] for the errors; a test that
// fails is none.
func GoTest(ctx context.Context, cfg Config, pkg string, args ...string) (*TestResult, error) {
	results, err := GoTests(ctx, cfg, TestPackage{Package: pkg, Args: args})
	if err != nil {
		return nil, err
	}
	return results[0], nil
}

// GoTests is [GoTest] for several packages, one after the other in one boot.
func GoTests(ctx context.Context, cfg Config, packages ...TestPackage) ([]*TestResult, error) {
	if err := needMachine(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	c, err := openCache()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	dir, remove, err := c.scratch(ctx)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer remove()
	cfg.Files = maps.Clone(cfg.Files)
	if cfg.Files == nil {
		cfg.Files = map[string]string{}
	}
	cfg.Commands = slices.Clone(cfg.Commands)
	before := len(cfg.Commands)
	results := make([]*TestResult, len(packages))
	for i, p := range packages {
		found, err := listPackage(ctx, p.Package)
		if err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		binary := filepath.Join(dir, fmt.Sprintf("%d.test", i))
		if err := goBuild(ctx, binary, "test", found.ImportPath, "-c", "-vet=off"); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		if _, err := os.Stat(binary); err != nil {
			return nil, fmt.Errorf("lab: %s has no tests", found.ImportPath)
		}
		cfg.addTest(found, p, binary)
		results[i] = &TestResult{Package: found.ImportPath}
	}
	ran, err := Run(ctx, cfg)
	if err != nil {
		return nil, err
	}
	for i, r := range results {
		c := ran.Commands[before+i]
		r.Exit, r.Elapsed, r.Guest = c.Exit, c.Elapsed, ran
		r.Tests, r.Output = parseTests(string(c.Output))
	}
	return results, nil
}

// addTest adds a test binary, what it reads and the command that runs it.
func (c *Config) addTest(found goPackage, p TestPackage, binary string) {
	inside := path.Join("/lab/bin", path.Base(found.ImportPath)+"-"+filepath.Base(binary))
	dir := path.Join(guest.SourceDir, found.rel())
	c.Files[inside] = binary
	c.Files[path.Join(guest.SourceDir, "go.mod")] = filepath.Join(found.Module.Dir, "go.mod")
	testdata := filepath.Join(found.Dir, "testdata")
	if info, err := os.Stat(testdata); err == nil && info.IsDir() {
		c.Files[path.Join(dir, "testdata")] = testdata
	}
	args := []string{"-test.v=test2json"}
	if !slices.ContainsFunc(p.Args, func(a string) bool { return strings.Contains(a, "test.timeout") }) {
		args = append(args, "-test.timeout="+testTimeout(c.Timeout).String())
	}
	c.Commands = append(c.Commands, Command{Path: inside, Args: append(args, p.Args...), Env: p.Env, Dir: dir})
}

// testTimeout leaves a machine the time to boot, and a test binary to say where it
// hangs.
func testTimeout(whole time.Duration) time.Duration {
	if whole == 0 {
		whole = DefaultTimeout
	}
	return whole - min(whole/2, 40*time.Second)
}

// goPackage is what go list says of a package.
type goPackage struct {
	Dir, ImportPath string
	Module          struct{ Dir string }
}

// rel is the package's folder in its module.
func (p goPackage) rel() string {
	rel, err := filepath.Rel(p.Module.Dir, p.Dir)
	if err != nil || !fs.ValidPath(filepath.ToSlash(rel)) {
		return path.Base(p.ImportPath)
	}
	return filepath.ToSlash(rel)
}

func listPackage(ctx context.Context, pkg string) (goPackage, error) {
	out, err := command{name: "go", args: []string{"list", "-json=Dir,ImportPath,Module", pkg}}.run(ctx)
	if err != nil {
		return goPackage{}, err
	}
	var p goPackage
	if err := json.Unmarshal(out, &p); err != nil {
		return goPackage{}, fmt.Errorf("go list %s: want one package: %w", pkg, err)
	}
	return p, nil
}
