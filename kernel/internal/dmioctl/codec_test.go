package dmioctl

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

var (
	little = Codec{binary.LittleEndian}
	big    = Codec{binary.BigEndian}
)

// both runs a test for both byte orders.
func both(t *testing.T, f func(t *testing.T, c Codec)) {
	t.Helper()
	for _, c := range []Codec{little, big} {
		t.Run(c.Order.String(), func(t *testing.T) { f(t, c) })
	}
}

// exampleRequest is the request to load "0 2048 linear 7:0 0" for a device named "example",
// written out by hand: header and one target.
const exampleRequest = `

	04000000 00000000 00000000 68010000 38010000 01000000 00000000 00000000
	00000000 00000000 0000000000000000
	6578616d706c65 00*121
	00*129 00*7
	0000000000000000 0008000000000000 00000000 30000000
	6c696e656172 00*10
	373a302030 00 0000`

// exampleBig is the same on a machine that writes the high byte first.
const exampleBig = `

	00000004 00000000 00000000 00000168 00000138 00000001 00000000 00000000
	00000000 00000000 0000000000000000
	6578616d706c65 00*121
	00*129 00*7
	0000000000000000 0000000000000800 00000000 00000030
	6c696e656172 00*10
	373a302030 00 0000`

// unhex reads hexadecimal words; "00*3" is a byte three times.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	for _, word := range strings.Fields(text) {
		word, count, repeated := strings.Cut(word, "*")
		b, err := hex.DecodeString(word)
		if err != nil {
			t.Fatal(err)
		}
		n := 1
		if repeated {
			if _, err := fmt.Sscan(count, &n); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, bytes.Repeat(b, n)...)
	}
	return out
}

func TestWorkedExample(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		codec Codec
		want  string
	}{{little, exampleRequest}, {big, exampleBig}} {
		spec := Spec{Length: 2048, Target: "linear", Params: "7:0 0"}
		got, err := e.codec.Encode(Header{Name: "example", TargetCount: 1}, Specs{List: []Spec{spec}}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if want := unhex(t, e.want); !bytes.Equal(got, want) {
			t.Errorf("%v: got\n%s want\n%s", e.codec.Order, hex.Dump(got), hex.Dump(want))
		}
		h, err := e.codec.Header(got)
		if err != nil || h.DataSize != 360 || h.DataStart != 312 || h.Name != "example" || h.Version != [3]uint32{4, 0, 0} {
			t.Errorf("%v: header %+v, %v", e.codec.Order, h, err)
		}
		data, err := Data(got, h)
		if err != nil {
			t.Fatal(err)
		}
		specs, err := e.codec.Specs(data, 1, FromSpec)
		if err != nil || len(specs) != 1 || specs[0] != spec {
			t.Errorf("%v: specs %+v, %v", e.codec.Order, specs, err)
		}
	}
}

func TestNativeIsOneOfBoth(t *testing.T) {
	t.Parallel()
	b, err := Native.Encode(Header{Name: "example", TargetCount: 1}, Specs{List: []Spec{{Length: 2048, Target: "linear", Params: "7:0 0"}}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, unhex(t, exampleRequest)) && !bytes.Equal(b, unhex(t, exampleBig)) {
		t.Errorf("this machine writes\n%s", hex.Dump(b))
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	full := Header{
		Version: [3]uint32{4, 48, 1}, DataSize: 16384, DataStart: 312, TargetCount: 3, OpenCount: -1,
		Flags: FlagReadOnly | FlagDeferredRemove, EventNr: 0xdeadbeef, Dev: Mkdev(253, 0xfffff),
		Name: strings.Repeat("n", 127), UUID: strings.Repeat("u", 128),
	}
	both(t, func(t *testing.T, c Codec) {
		b := bytes.Repeat([]byte{0xff}, HeaderSize)
		if err := c.PutHeader(b, full); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b[305:], make([]byte, 7)) || !bytes.Equal(b[36:40], make([]byte, 4)) {
			t.Error("the padding is not zero")
		}
		got, err := c.Header(b[:MinHeaderSize])
		if err != nil || got != full {
			t.Errorf("got %+v, %v, want %+v", got, err, full)
		}
		for _, h := range []Header{
			{Name: strings.Repeat("n", 128)}, {UUID: strings.Repeat("u", 129)}, {Name: "a\x00"}, {UUID: "\x00b"},
		} {
			if err := c.PutHeader(b, h); !errors.Is(err, ErrInvalid) {
				t.Errorf("%+v: %v", h, err)
			}
		}
	})
}

func TestHeaderMalformed(t *testing.T) {
	t.Parallel()
	good := make([]byte, HeaderSize)
	for name, b := range map[string][]byte{
		"short":       good[:MinHeaderSize-1],
		"empty":       nil,
		"name":        append(append([]byte{}, good[:48]...), bytes.Repeat([]byte{'n'}, 264)...),
		"uuid no end": append(append([]byte{}, good[:176]...), bytes.Repeat([]byte{'u'}, 136)...),
	} {
		if _, err := little.Header(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestData(t *testing.T) {
	t.Parallel()
	b := make([]byte, 400)
	for _, e := range []struct {
		start, size uint32
		want        int // -1: malformed
	}{
		{312, 400, 88},
		{312, 312, 0},
		{312, 305, 0}, // an answer without data
		{305, 305, 0},
		{305, 306, 1},
		{304, 400, -1},
		{313, 312, -1},
		{312, 401, -1},
		{312, 304, -1},
		{400, 400, 0},
		{0, 305, -1},
		{0xffffffff, 400, -1},
		{312, 0xffffffff, -1},
	} {
		data, err := Data(b, Header{DataStart: e.start, DataSize: e.size})
		if e.want < 0 && !errors.Is(err, ErrMalformed) || e.want >= 0 && (err != nil || len(data) != e.want) {
			t.Errorf("start %d, size %d: %d bytes, %v, want %d", e.start, e.size, len(data), err, e.want)
		}
	}
}

var sampleSpecs = []Spec{
	{Length: 2048, Target: "linear", Params: "7:0 0"},
	{Start: 2048, Length: 1 << 60, Target: "fifteen-letters", Params: ""},
	{Start: 1<<64 - 8, Length: 8, Status: -5, Target: "", Params: strings.Repeat("x", 31)},
	{Start: 7, Length: 9, Target: "striped", Params: strings.Repeat("y", 4096)},
}

// TestSpecs writes and reads lists of each length with both conventions.
func TestSpecs(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c Codec) {
		for n := range len(sampleSpecs) + 1 {
			for _, convention := range []Convention{FromSpec, FromFirst} {
				p := Specs{convention, sampleSpecs[:n]}
				b := make([]byte, p.Size())
				if err := c.Put(b, p); err != nil {
					t.Fatal(err)
				}
				got, err := c.Specs(b, n, convention)
				if err != nil || len(got) != n || n > 0 && !reflect.DeepEqual(got, p.List) {
					t.Errorf("%d specs, convention %d: %+v, %v", n, convention, got, err)
				}
				if n < 3 {
					continue
				}
				if other, err := c.Specs(b, n, 1-convention); err == nil && reflect.DeepEqual(other, p.List) {
					t.Errorf("the conventions are not told apart")
				}
			}
		}
	})
}

// TestSpecsNext checks the word that the two conventions differ in.
func TestSpecsNext(t *testing.T) {
	t.Parallel()
	list := []Spec{{Target: "a", Params: "1"}, {Target: "b", Params: "123456789"}, {Target: "c"}}
	for _, e := range []struct {
		convention Convention
		next       []uint32
		size       int
	}{
		{FromSpec, []uint32{48, 56, 48}, 152},
		{FromFirst, []uint32{48, 104, 152}, 145},
	} {
		p := Specs{e.convention, list}
		if p.Size() != e.size {
			t.Errorf("convention %d: %d bytes, want %d", e.convention, p.Size(), e.size)
		}
		b := make([]byte, p.Size())
		if err := little.Put(b, p); err != nil {
			t.Fatal(err)
		}
		for i, at := range []int{0, 48, 104} {
			if got := little.Order.Uint32(b[at+20:]); got != e.next[i] {
				t.Errorf("convention %d: next of target %d is %d, want %d", e.convention, i, got, e.next[i])
			}
		}
	}
}

func TestSpecsMalformed(t *testing.T) {
	t.Parallel()
	p := Specs{FromSpec, sampleSpecs[:2]}
	good := make([]byte, p.Size())
	if err := little.Put(good, p); err != nil {
		t.Fatal(err)
	}
	change := func(f func(b []byte)) []byte {
		b := bytes.Clone(good)
		f(b)
		return b
	}
	next := func(n uint32) []byte { return change(func(b []byte) { little.Order.PutUint32(b[20:], n) }) }
	for name, e := range map[string]struct {
		data  []byte
		count int
	}{
		"count too large":    {good, 3},
		"count huge":         {good, 1 << 30},
		"count negative":     {good, -1},
		"no data":            {nil, 1},
		"header cut":         {good[:39], 1},
		"no text":            {good[:40], 1},
		"text without end":   {change(func(b []byte) { copy(b[40:], "77777777") })[:48], 1},
		"next before end":    {next(40), 2},
		"next 0":             {next(0), 2},
		"next not aligned":   {next(52), 2},
		"next past the end":  {next(104), 2},
		"next far away":      {next(0xfffffff8), 2},
		"type without end":   {change(func(b []byte) { copy(b[24:40], strings.Repeat("t", 16)) }), 2},
		"second one too far": {change(func(b []byte) { b[48+40] = 'x' })[:89], 2},
	} {
		if specs, err := little.Specs(e.data, e.count, FromSpec); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, specs, err)
		}
	}
	for _, spec := range []Spec{{Target: strings.Repeat("t", 16)}, {Target: "a\x00"}, {Params: "a\x00b"}} {
		if _, err := little.Encode(Header{}, Specs{List: []Spec{spec}}, 0); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", spec, err)
		}
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c Codec) {
		m := Message{Sector: 1<<63 + 5, Text: []byte("key wipe")}
		b, err := c.Encode(Header{Name: "a"}, m, 100)
		if err != nil || len(b) != HeaderSize+100 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
		got, err := c.Message(b[HeaderSize:])
		if err != nil || got.Sector != m.Sector || string(got.Text) != string(m.Text) {
			t.Errorf("got %+v, %v", got, err)
		}
		for _, data := range [][]byte{nil, make([]byte, 8), []byte("12345678text")} {
			if _, err := c.Message(data); !errors.Is(err, ErrMalformed) {
				t.Errorf("%q: %v", data, err)
			}
		}
		if _, err := c.Encode(Header{}, Message{Text: []byte("a\x00b")}, 0); !errors.Is(err, ErrInvalid) {
			t.Errorf("a NUL: %v", err)
		}
	})
}

func TestString(t *testing.T) {
	t.Parallel()
	b, err := little.Encode(Header{Name: "old"}, String("new"), 0)
	if err != nil || string(b[HeaderSize:]) != "new\x00" {
		t.Fatalf("%q, %v", b, err)
	}
	if s, err := ReadString(b[HeaderSize:]); s != "new" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := ReadString([]byte("new")); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if _, err := little.Encode(Header{}, String("a\x00"), 0); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestEncodeLimits(t *testing.T) {
	t.Parallel()
	for _, room := range []int{MaxSize, MaxSize - HeaderSize + 1} {
		if _, err := little.Encode(Header{}, nil, room); !errors.Is(err, ErrInvalid) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
	if err := little.Put(make([]byte, 3), String("new")); !errors.Is(err, ErrInvalid) {
		t.Errorf("too little room: %v", err)
	}
}

func TestDeviceNumbers(t *testing.T) {
	t.Parallel()
	for _, e := range []struct {
		major, minor uint32
		dev          uint64
	}{
		{0, 0, 0}, {7, 0, 0x700}, {253, 3, 0xfd03}, {8, 255, 0x8ff}, {8, 256, 0x100800}, {253, 0xfffff, 0xfff0_fdff}, {4095, 1, 0xfff01},
	} {
		if got := Mkdev(e.major, e.minor); got != e.dev {
			t.Errorf("Mkdev(%d, %d) = %#x, want %#x", e.major, e.minor, got, e.dev)
		}
		if major, minor := Split(e.dev); major != e.major || minor != e.minor {
			t.Errorf("Split(%#x) = %d, %d, want %d, %d", e.dev, major, minor, e.major, e.minor)
		}
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	if CmdTargetVersion != 17 || CmdTargetVersion.Request() != 0xc138fd11 || CmdVersion.Request() != 0xc138fd00 {
		t.Errorf("target-version is %d, %#x", CmdTargetVersion, CmdTargetVersion.Request())
	}
	seen := map[string]bool{}
	for c := range numCommands {
		if name := c.String(); name == "" || seen[name] || !c.Known() {
			t.Errorf("command %d has the name %q", c, name)
		}
		seen[c.String()] = true
	}
	if c := Command(18); c.Known() || c.String() != "unknown command" || c.Minor() != 0 {
		t.Errorf("command 18: %v, %d", c, c.Minor())
	}
	if ProbePathsRequest("amd64") != 0xfd12 || ProbePathsRequest("ppc64le") != 0x2000fd12 {
		t.Error("numbers of the probe of paths")
	}
}
