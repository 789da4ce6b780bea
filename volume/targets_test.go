package volume_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// TestEveryTargetIsAccountedFor: a target that package tables knows is either
// on the list of engines or on the list of those without, with the reason, and
// not on both.
func TestEveryTargetIsAccountedFor(t *testing.T) {
	t.Parallel()
	engines := volume.Builtin()
	rows := volume.Support()
	if len(rows) != len(tables.Targets()) {
		t.Errorf("Support() has %d rows, package tables knows %d targets", len(rows), len(tables.Targets()))
	}
	for i, name := range tables.Targets() {
		row := rows[i]
		if row.Name != name {
			t.Errorf("row %d is %q, want %q", i, row.Name, name)
		}
		_, ok := engines[name]
		switch {
		case ok != row.Read:
			t.Errorf("%s: Read = %v, engine there: %v", name, row.Read, ok)
		case !ok && (row.Reason == "" || strings.Contains(row.Reason, "unknown")):
			t.Errorf("%s has no engine and no reason: put it on one of the lists in targets.go", name)
		case row.Write && !row.Read:
			t.Errorf("%s: Write without Read", name)
		}
	}
	for name := range engines {
		if !slices.Contains(tables.Targets(), name) {
			t.Errorf("there is an engine for %q, which package tables does not know", name)
		}
	}
}

// TestTargetListsAreDisjoint: a target that gets an engine leaves the list of
// those without.
func TestTargetListsAreDisjoint(t *testing.T) {
	t.Parallel()
	for name, reason := range volume.KernelOnly() {
		if volume.Builtin()[name] != nil {
			t.Errorf("%s has an engine, and a reason why it has none: %s", name, reason)
		}
		if !slices.Contains(tables.Targets(), name) {
			t.Errorf("%s is listed without engine, package tables does not know it", name)
		}
	}
}

// TestBuiltinIsACopy: a caller may change the registry without harm to others.
func TestBuiltinIsACopy(t *testing.T) {
	t.Parallel()
	r := volume.Builtin()
	names := slices.Sorted(maps.Keys(r))
	clear(r)
	if got := slices.Sorted(maps.Keys(volume.Builtin())); !slices.Equal(got, names) {
		t.Errorf("after clear: Builtin() has %v, want %v", got, names)
	}
}

// TestUnsupportedTargets: every target without an engine is refused by name and
// reason, known or not.
func TestUnsupportedTargets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, want string }{
		{"0 64 snapshot /a /b P 8", "exception table"},
		{"0 64 thin /pool 1", "mapping trees"},
		{"0 64 mirror core 1 64 2 /a 0 /b 0", "legs"},
		{"0 64 frobnicate /a 0", "unknown target"},
	} {
		ts, err := tables.Parse(strings.NewReader(c.line))
		if err != nil {
			t.Fatalf("Parse(%q): %v", c.line, err)
		}
		_, err = volume.Open(volume.Options{}, ts...)
		if !errors.Is(err, volume.ErrUnsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q): %v, want %v, with %q", c.line, err, volume.ErrUnsupported, c.want)
		}
	}
}
