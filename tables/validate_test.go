package tables

import (
	"errors"
	"testing"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	verity := someDevices[0].Tables[0].(VerityTable)
	later := verity
	later.Start = 4 * kib
	for _, c := range []struct {
		what   string
		tables []Table
		kind   error
		want   string
	}{
		{"nothing", nil, ErrInvalid, "tables: invalid table: there is no table"},
		{"nil", []Table{nil}, ErrSyntax, "tables: line 1: syntax error: no table (nil)"},
		{"nil pointer", []Table{(*ZeroTable)(nil)}, ErrSyntax, "tables: line 1: syntax error: no table (nil)"},
		{"one", []Table{zeroTable(0, 8)}, nil, ""},
		{"pointers", []Table{&ZeroTable{Length: 512}, &LinearTable{Start: 512, Length: 512, BackendDevice: "a"}}, nil, ""},
		{"any order", []Table{zeroTable(16, 8), zeroTable(0, 8), zeroTable(8, 8)}, nil, ""},
		{"not from 0", []Table{zeroTable(1, 8)}, ErrOverlap, "tables: line 1: zero: start: tables are not contiguous from 0: the first table starts at sector 1, want 0"},
		{"gap", []Table{zeroTable(9, 8), zeroTable(0, 8)}, ErrOverlap, "tables: line 1: zero: start: tables are not contiguous from 0: gap: it starts at sector 9, the table before ends at 8"},
		{"overlap", []Table{zeroTable(0, 8), zeroTable(7, 8)}, ErrOverlap, "tables: line 2: zero: start: tables are not contiguous from 0: overlap: it starts at sector 7, the table before ends at 8"},
		{"twice", []Table{zeroTable(0, 8), zeroTable(0, 8)}, ErrOverlap, "tables: line 2: zero: start: tables are not contiguous from 0: overlap: it starts at sector 0, the table before ends at 8"},
		{"no length", []Table{zeroTable(0, 0)}, ErrInvalid, "tables: line 1: zero: length: invalid table: it is 0"},
		{"unaligned", []Table{ZeroTable{Length: 100}}, ErrUnaligned, "tables: line 1: zero: length: unaligned: 100 bytes are not a multiple of 512"},
		{"largest", []Table{ZeroTable{Length: 1<<63 - 512}}, nil, ""},
		{"too large", []Table{ZeroTable{Length: 1 << 63}}, ErrInvalid, "tables: line 1: zero: length: invalid table: start 0 and length 9223372036854775808 end beyond 2^63 bytes"},
		{"wraps", []Table{ZeroTable{Start: 1<<64 - 512, Length: 1024}}, ErrInvalid, "tables: line 1: zero: length: invalid table: start 18446744073709551104 and length 1024 end beyond 2^63 bytes"},
		{"singleton", []Table{zeroTable(0, 8), later}, ErrInvalid, "tables: line 2: verity: invalid table: the target must be alone in its device, there are 2 tables"},
		{"singleton alone", []Table{verity}, nil, ""},
		{"backend too far", []Table{LinearTable{Length: 512, BackendDevice: "a", BackendOffset: 1<<63 - 512}}, ErrInvalid, "tables: line 1: linear: offset: invalid table: offset 9223372036854775296 and length 512 end beyond 2^63 bytes"},
	} {
		err := Validate(c.tables...)
		got := ""
		if err != nil {
			got = err.Error()
		}
		var p *ParseError
		if got != c.want || !errors.Is(err, c.kind) || err != nil && !errors.As(err, &p) {
			t.Errorf("%s:\n got %s (%T)\nwant %s (%v)", c.what, got, err, c.want, c.kind)
		}
	}
}

// TestSingletons: the list of targets that must be alone.
func TestSingletons(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"thin-pool": true, "integrity": true, "multipath": true, "verity": true, "zoned": true, "vdo": true}
	for _, tgt := range targets {
		if tgt.singleton != want[tgt.name] {
			t.Errorf("%s: singleton is %v, want %v", tgt.name, tgt.singleton, want[tgt.name])
		}
	}
}

// TestBootTargets: the list of targets that dm-mod.create= accepts.
func TestBootTargets(t *testing.T) {
	t.Parallel()
	want := map[string]bool{"crypt": true, "delay": true, "linear": true, "snapshot-origin": true, "striped": true, "verity": true}
	for _, tgt := range targets {
		if tgt.boot != want[tgt.name] {
			t.Errorf("%s: boot is %v, want %v", tgt.name, tgt.boot, want[tgt.name])
		}
	}
}

func TestAccessors(t *testing.T) {
	t.Parallel()
	lin := LinearTable{Start: 512, Length: 1024, BackendDevice: "a"}
	for _, c := range []struct {
		table         Table
		start, length uint64
		target        string
		unwrapped     Table
	}{
		{lin, 512, 1024, "linear", lin},
		{&lin, 512, 1024, "linear", lin},
		{RawTable{Length: 512, Target: "x"}, 0, 512, "x", RawTable{Length: 512, Target: "x"}},
		{nil, 0, 0, "", nil},
		{(*LinearTable)(nil), 0, 0, "", nil},
	} {
		start, length := Extent(c.table)
		if got := TargetType(c.table); start != c.start || length != c.length || got != c.target {
			t.Errorf("%T: extent %d %d, target %q, want %d %d %q", c.table, start, length, got, c.start, c.length, c.target)
		}
		if got := Unwrap(c.table); got != c.unwrapped {
			t.Errorf("Unwrap(%T) = %#v, want %#v", c.table, got, c.unwrapped)
		}
	}
	if got := Devices(nil); got != nil {
		t.Errorf("Devices(nil) = %q", got)
	}
}
