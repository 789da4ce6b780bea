package tables

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func zeroTable(start, length uint64) Table {
	return ZeroTable{Start: start * SectorSize, Length: length * SectorSize}
}

func minor(n uint32) *uint32 { return &n }

func TestParseDevices(t *testing.T) {
	t.Parallel()
	two := []Device{
		{Name: "dev1", Tables: []Table{LinearTable{Length: 100 * 512, BackendDevice: "253:1"}, ErrorTable{Start: 100 * 512, Length: 100 * 512}}},
		{Name: "dev2", ReadOnly: true, Tables: []Table{ErrorTable{Length: 512}}},
	}
	spaced := []Device{{Name: "m", Tables: []Table{LinearTable{Length: 512, BackendDevice: "/dev/a b,c"}}}}
	for _, c := range []struct {
		name, text string
		want       []Device
	}{
		{"nothing", "", nil},
		{"comments", "# a\n", nil},
		{"one without a name", "0 8 zero\n8 8 zero\n", []Device{{Tables: []Table{zeroTable(0, 8), zeroTable(8, 8)}}}},
		{"named, lines mixed", "a: 0 8 zero\nb: 0 1 zero\na: 8 8 zero\n", []Device{
			{Name: "a", Tables: []Table{zeroTable(0, 8), zeroTable(8, 8)}}, {Name: "b", Tables: []Table{zeroTable(0, 1)}},
		}},
		{"named without a table", "a: \nb: 0 1 zero\n", []Device{{Name: "a"}, {Name: "b", Tables: []Table{zeroTable(0, 1)}}}},
		{"mangled name", `a\x20b: 0 1 zero`, []Device{{Name: `a\x20b`, Tables: []Table{zeroTable(0, 1)}}}},
		{"concise, the manual's example", "dev1,,,,0 100 linear 253:1 0,100 100 error;dev2,,,ro,0 1 error", two},
		{"concise over lines", "\n  dev1 , , ,rw , 0 100 linear 253:1 0 ,\n100 100 error ;\n dev2,,,ro,0 1 error;\n", two},
		{"concise with all fields", "a,b-c,7,ro,0 8 zero", []Device{{Name: "a", UUID: "b-c", Minor: minor(7), ReadOnly: true, Tables: []Table{zeroTable(0, 8)}}}},
		{"concise without a table", "a,,,rw", []Device{{Name: "a"}}},
		{"concise escapes", `m,,,rw,0 1 linear /dev/a\\ b\,c 0`, spaced},
		{"concise, escape of a plain byte", `\m,,,rw,0 1 linear /d\ev/a\\ b\,c 0`, spaced},
		{"create", "dm-mod.create=dev1,,,,0 100 linear 253:1 0,100 100 error;dev2,,,ro,0 1 error", two},
		{"create quoted", `dm-mod.create="dev1,,,,0 100 linear 253:1 0,100 100 error;dev2,,,ro,0 1 error"` + "\n", two},
		{"create quoted as a whole", `"dm-mod.create=dev1,,,,0 100 linear 253:1 0,100 100 error;dev2,,,ro,0 1 error"`, two},
		{"create over lines", "dm-mod.create=\"\n  dev1,,,,0 100 linear 253:1 0,100 100 error;\n  dev2,,,ro,0 1 error\"", two},
	} {
		got, err := ParseDevices(strings.NewReader(c.text))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: ParseDevices(%q):\n got %#v, %v\nwant %#v", c.name, c.text, got, err, c.want)
		}
	}
}

func TestParseDevicesErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 128)
	for _, c := range []struct {
		text, want string
	}{
		{"a,,,rw,0 8 zero;b,,,rw", ""},
		{"a,,,rw,0 8 zero;b,,,0 8 zero", `tables: line 1: device "b": flags: syntax error: found "0 8 zero", want ro, rw or nothing`},
		{"a,,,rw,0 8 zero;b,,rw,0 8 zero", `tables: line 1: device "b": minor: syntax error: found "rw", want a decimal number`},
		{"a,,,rw,0 8 zero;b", "tables: line 1: syntax error: found 1 fields, want name,uuid,minor,ro|rw,table"},
		{"a,,,rw,0 8 zero;;b,,,rw,0 8 zero", "tables: line 1: syntax error: found 1 fields, want name,uuid,minor,ro|rw,table"},
		{"a,,,rw,0 8 zero;\n\nb,,x,rw,0 8 zero", `tables: line 3: device "b": minor: syntax error: found "x", want a decimal number`},
		{"a,,1048576,rw,0 8 zero", `tables: line 1: device "a": minor: invalid table: found "1048576", want 0 to 1048575`},
		{",,,rw,0 8 zero", "tables: line 1: name: invalid table: the name is missing"},
		{long + ",,,rw,0 8 zero", "tables: line 1: name: invalid table: the name has 128 bytes, more than 127"},
		{"a/b,,,rw,0 8 zero", "tables: line 1: name: invalid table: a name cannot hold / or NUL"},
		{"control,,,rw,0 8 zero", "tables: line 1: name: invalid table: the name is reserved"},
		{"a," + long + "n,,rw,0 8 zero", `tables: line 1: device "a": uuid: invalid table: it has 129 bytes, more than 128`},
		{"a,\x00,,rw,0 8 zero", `tables: line 1: device "a": uuid: invalid table: it cannot hold NUL`},
		{"a,,,rw,0 8 zero,8 linear", `tables: line 1: device "a": table 2: length: syntax error: found "linear", want a decimal number`},
		{"a,,,rw,0 8 zero,8 8 zero x", `tables: line 1: device "a": zero: table 2: syntax error: left over: parameter words 1 to 1, from "x" on`},
		{"a,,,rw,0 8 zero\nb,,,rw,0 8 zero", "tables: line 1: syntax error: a newline inside an entry; a semicolon separates devices"},
		{"a,,,rw,0 8 zero;a,,,rw,0 8 zero", `tables: device "a": name: invalid table: there are two devices of this name`},
		{"a,,,rw,", `tables: line 1: device "a": table 1: start: syntax error: found nothing, want a decimal number`},
		{`dm-mod.create="a,,,rw,0 8 zero`, "tables: line 1: syntax error: the closing quote of dm-mod.create= is missing"},
		{`dm-mod.create="a,,,rw,0 8 zero" quiet`, "tables: line 1: syntax error: there is text after the closing quote of dm-mod.create="},
		{`"dm-mod.create="a,,,rw,0 8 zero"`, "tables: line 1: syntax error: there is text after the closing quote of dm-mod.create="},
		{"dm-mod.create=", "tables: line 1: syntax error: found 1 fields, want name,uuid,minor,ro|rw,table"},
		{"a: 0 8 zero\nb/c: 0 8 zero", `tables: line 2: device "b/c": invalid table: a name cannot hold / or NUL`},
		{long + ": 0 8 zero", `tables: line 1: device "` + long[:64] + `"… (128 bytes): invalid table: the name has 128 bytes, more than 127`},
		{"a,,,rw,0 8 zero\n" + strings.Repeat("0123456789abcdef\n", maxConcise/17+1), "tables: line 1: syntax error: the text is longer than 16777216 bytes"},
	} {
		_, err := ParseDevices(strings.NewReader(c.text))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("ParseDevices(%.80q):\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// someDevices are written in every form and read back.
var someDevices = []Device{
	{Name: "root", UUID: "CRYPT-VERITY-0123", Minor: minor(3), ReadOnly: true, Tables: []Table{
		VerityTable{
			Length: 256 * kib, HashType: 1, DataDevice: "PARTUUID=1234,PARTNROFF=1", HashDevice: "/dev/a;b", DataBlockSize: 4096, HashBlockSize: 4096,
			NumDataBlocks: 64, HashStartBlock: 1, Algorithm: "sha256", Digest: "00ff", Salt: "-",
		},
	}},
	{Name: "da ta:x", Tables: []Table{
		LinearTable{Length: 100 * 512, BackendDevice: `/dev/my disk\1`, BackendOffset: 512},
		CryptTable{Start: 100 * 512, Length: 512, Encryption: "capi:adiantum(xchacha12,aes)-plain64", Key: testKey, BackendDevice: "7:0"},
		DelayTable{Start: 101 * 512, Length: 512, ReadDevice: "7:1"},
	}},
}

func TestDevicesReadBack(t *testing.T) {
	t.Parallel()
	concise, err := FormatConcise(someDevices...)
	if err != nil {
		t.Fatal(err)
	}
	wantConcise := `root,CRYPT-VERITY-0123,3,ro,0 512 verity 1 PARTUUID=1234\,PARTNROFF=1 /dev/a\;b 4096 4096 64 1 sha256 00ff -;` +
		`da ta:x,,,rw,0 100 linear /dev/my\\ disk\\\\1 1,100 1 crypt capi:adiantum(xchacha12\,aes)-plain64 deadbeefcafef00ddeadbeefcafef00d 0 7:0 0,101 1 delay 7:1 0 0`
	if concise != wantConcise {
		t.Errorf("FormatConcise:\n got %s\nwant %s", concise, wantConcise)
	}
	create, err := FormatCreate(someDevices...)
	if err != nil {
		t.Fatal(err)
	}
	if want := `dm-mod.create="` + wantConcise + `"`; create != want {
		t.Errorf("FormatCreate:\n got %s\nwant %s", create, want)
	}
	for _, text := range []string{concise, create} {
		got, err := ParseDevices(strings.NewReader(text))
		if err != nil || !reflect.DeepEqual(got, someDevices) {
			t.Errorf("%s reads back as %#v, %v", text, got, err)
		}
	}
	var b bytes.Buffer
	if err := FormatDevices(&b, someDevices...); err != nil {
		t.Fatal(err)
	}
	wantText := "root: 0 512 verity 1 PARTUUID=1234,PARTNROFF=1 /dev/a;b 4096 4096 64 1 sha256 00ff -\n" +
		`da ta:x: 0 100 linear /dev/my\ disk\\1 1` + "\nda ta:x: 100 1 crypt capi:adiantum(xchacha12,aes)-plain64 deadbeefcafef00ddeadbeefcafef00d 0 7:0 0\nda ta:x: 101 1 delay 7:1 0 0\n"
	if b.String() != wantText {
		t.Errorf("FormatDevices:\n got %s\nwant %s", b.String(), wantText)
	}
	got, err := ParseDevices(&b)
	want := []Device{{Name: "root", Tables: someDevices[0].Tables}, {Name: "da ta:x", Tables: someDevices[1].Tables}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s reads back as %#v, %v", wantText, got, err)
	}
}

func TestFormatDevicesForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		devices []Device
		want    string
	}{
		{nil, ""},
		{[]Device{{}}, ""},
		{[]Device{{Tables: []Table{zeroTable(0, 8)}}}, "0 8 zero\n"},
		{[]Device{{Name: "a"}, {Name: "b", Tables: []Table{zeroTable(0, 8)}}}, "a: \nb: 0 8 zero\n"},
	} {
		var b strings.Builder
		if err := FormatDevices(&b, c.devices...); err != nil || b.String() != c.want {
			t.Errorf("FormatDevices(%v) = %q, %v, want %q", c.devices, b.String(), err, c.want)
		}
	}
}

// TestNamesThatCannotBeWritten: a form refuses a name that it would not give
// back.
func TestNamesThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	one := []Table{zeroTable(0, 8)}
	text := func(ds ...Device) error { return FormatDevices(&bytes.Buffer{}, ds...) }
	concise := func(ds ...Device) error { _, err := FormatConcise(ds...); return err }
	for _, c := range []struct {
		what   string
		write  func(...Device) error
		device Device
		kind   error
	}{
		{"text, comment", text, Device{Name: "#a", Tables: one}, ErrSyntax},
		{"text, newline", text, Device{Name: "a\nb", Tables: one}, ErrSyntax},
		{"text, space in front", text, Device{Name: " a", Tables: one}, ErrSyntax},
		{"text, looks like a table", text, Device{Name: "0 8 zero", Tables: one}, ErrSyntax},
		{"text, looks like a name and a table", text, Device{Name: "a: 0 8 zero", Tables: one}, ErrSyntax},
		{"text, looks concise", text, Device{Name: "a,b,c,rw,d", Tables: one}, ErrSyntax},
		{"text, looks like create", text, Device{Name: "dm-mod.create=x", Tables: one}, ErrSyntax},
		{"text, slash", text, Device{Name: "a/b", Tables: one}, ErrInvalid},
		{"text, bare name with a space", text, Device{Name: "a b"}, ErrSyntax},
		{"text, bad table", text, Device{Name: "a", Tables: []Table{LinearTable{}}}, ErrSyntax},
		{"concise, no name", concise, Device{Tables: one}, ErrInvalid},
		{"concise, space behind", concise, Device{Name: "a ", Tables: one}, ErrSyntax},
		{"concise, newline", concise, Device{Name: "a\nb", Tables: one}, ErrSyntax},
		{"concise, comment", concise, Device{Name: "#a", Tables: one}, ErrSyntax},
		{"concise, looks like a table", concise, Device{Name: "0 8 zero", Tables: one}, ErrSyntax},
		{"concise, looks like create", concise, Device{Name: "dm-mod.create=x", Tables: one}, ErrSyntax},
		{"concise, space around the uuid", concise, Device{Name: "a", UUID: " u", Tables: one}, ErrSyntax},
		{"concise, minor", concise, Device{Name: "a", Minor: minor(1 << 20), Tables: one}, ErrInvalid},
		{"concise, bad table", concise, Device{Name: "a", Tables: []Table{LinearTable{}}}, ErrSyntax},
		{"concise, too long", concise, Device{Name: "a", Tables: []Table{RawTable{Length: 512, Target: "x", Params: strings.Repeat(",", maxLine/2)}}}, ErrSyntax},
	} {
		var p *ParseError
		if err := c.write(c.device); !errors.Is(err, c.kind) || !errors.As(err, &p) {
			t.Errorf("%s: %v, want a ParseError with %v", c.what, err, c.kind)
		}
	}
	twice := []Device{{Name: "a", Tables: one}, {Name: "a", Tables: one}}
	unnamed := []Device{{Tables: one}, {Name: "a", Tables: one}}
	for what, err := range map[string]error{
		"text, twice": text(twice...), "concise, twice": concise(twice...), "text, several and one without a name": text(unnamed...),
		"JSON, twice": EncodeJSON(&bytes.Buffer{}, JSONOptions{}, twice...),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
}

func TestFormatCreateRefuses(t *testing.T) {
	t.Parallel()
	verity := someDevices[0]
	writable := verity
	writable.ReadOnly = false
	var many []Device
	for i := range maxCreateDevices + 1 {
		many = append(many, Device{Name: "d" + strings.Repeat("x", i%100) + string(rune('a'+i/100)), Tables: []Table{LinearTable{Length: 512, BackendDevice: "a"}}})
	}
	var tall []Table
	for i := range uint64(maxCreateTables + 1) {
		tall = append(tall, LinearTable{Start: i * 512, Length: 512, BackendDevice: "a"})
	}
	long := LinearTable{Length: 512, BackendDevice: strings.Repeat("x", 4096)}
	for _, c := range []struct {
		what    string
		devices []Device
		want    string
	}{
		{"no device", nil, "tables: invalid table: found 0 devices, dm-mod.create= wants 1 to 256"},
		{"too many devices", many, "tables: invalid table: found 257 devices, dm-mod.create= wants 1 to 256"},
		{"too many tables", []Device{{Name: "a", Tables: tall}}, `tables: device "a": invalid table: found 257 tables, dm-mod.create= wants at most 256`},
		{"a target that boot does not take", []Device{{Name: "a", Tables: []Table{zeroTable(0, 8)}}}, `tables: line 1: device "a": zero: invalid table: the kernel does not accept this target in dm-mod.create=`},
		{"an unknown target", []Device{{Name: "a", Tables: []Table{RawTable{Length: 512, Target: "x"}}}}, `tables: line 1: device "a": "x": invalid table: the kernel does not accept this target in dm-mod.create=`},
		{"writable verity", []Device{writable}, `tables: line 1: device "root": verity: invalid table: the device must be read-only`},
		{"a gap", []Device{{Name: "a", Tables: []Table{LinearTable{Start: 512, Length: 512, BackendDevice: "a"}}}}, `tables: line 1: device "a": linear: start: tables are not contiguous from 0: the first table starts at sector 1, want 0`},
		{"no name", []Device{{Tables: []Table{LinearTable{Length: 512, BackendDevice: "a"}}}}, "tables: name: invalid table: the name is missing"},
		{"too long", []Device{{Name: "a", Tables: []Table{long}}}, "tables: invalid table: the value of dm-mod.create= has 4116 bytes, the limit is 4095"},
		{"a double quote", []Device{{Name: "a", Tables: []Table{LinearTable{Length: 512, BackendDevice: `a"b`}}}}, "tables: syntax error: a double quote cannot be written in dm-mod.create="},
	} {
		text, err := FormatCreate(c.devices...)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %q, %v\nwant %s", c.what, text, err, c.want)
		}
	}
	// The longest that fits.
	fits := Device{Name: "a", Tables: []Table{LinearTable{Length: 512, BackendDevice: strings.Repeat("x", 4095-20)}}}
	if text, err := FormatCreate(fits); err != nil || len(text) != 4095+len(`dm-mod.create=""`) {
		t.Errorf("a value of 4095 bytes: %d bytes written, %v", len(text), err)
	}
}

func TestDeviceValidate(t *testing.T) {
	t.Parallel()
	pool := ThinPoolTable{Length: 512, MetadataDevice: "a", DataDevice: "b", DataBlockSize: 64 * kib}
	for _, c := range []struct {
		device Device
		want   string
	}{
		{Device{Tables: []Table{zeroTable(0, 8)}}, ""},
		{Device{Name: "a", UUID: "u", Minor: minor(0), ReadOnly: true, Tables: []Table{zeroTable(8, 8), zeroTable(0, 8)}}, ""},
		{Device{Name: "a", Tables: []Table{pool}}, ""},
		{Device{Name: "a"}, `tables: device "a": invalid table: there is no table`},
		{Device{Name: "..", Tables: []Table{zeroTable(0, 8)}}, `tables: device "..": name: invalid table: the name is reserved`},
		{Device{Name: "a", Tables: []Table{zeroTable(8, 8)}}, `tables: line 1: device "a": zero: start: tables are not contiguous from 0: the first table starts at sector 8, want 0`},
		{Device{Name: "a", ReadOnly: true, Tables: []Table{pool}}, `tables: line 1: device "a": thin-pool: invalid table: the target cannot be read-only`},
		{Device{Name: "a", Tables: []Table{LinearTable{Length: 512, BackendDevice: "/dev/mapper/a"}}}, `tables: line 1: device "a": linear: invalid table: the table names its own device`},
		{Device{Name: "a", Tables: []Table{LinearTable{Length: 512, BackendDevice: "/dev/mapper/ab"}}}, ""},
	} {
		got := ""
		if err := c.device.Validate(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v.Validate():\n got %s\nwant %s", c.device, got, c.want)
		}
	}
}
