package tables

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestRandomStructs changes the struct cases at random. What LineOf accepts
// must read back as the same struct, the documented exceptions aside.
func TestRandomStructs(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	written := 0
	for range 400 {
		for _, c := range structCases {
			v := reflect.New(reflect.TypeOf(c.table)).Elem()
			v.Set(reflect.ValueOf(c.table))
			for range 1 + rnd.IntN(3) {
				mutate(rnd, v)
			}
			tab := v.Interface().(Table)
			l, err := LineOf(tab)
			if err != nil {
				var p *ParseError
				if !errors.As(err, &p) {
					t.Fatalf("LineOf(%#v) = %v, want a ParseError", tab, err)
				}
				continue
			}
			if _, raw := tab.(RawTable); raw && !unknownTarget(l.Target) {
				continue
			}
			written++
			got, err := l.Table()
			if want := normal(tab); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%q:\n got %#v, %v\nwant %#v", l.text(), got, err, want)
			}
		}
	}
	if written < 1000 {
		t.Errorf("only %d structs could be written: the test does not test", written)
	}
}

// mutate changes one value somewhere in v.
func mutate(rnd *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		mutate(rnd, v.Field(rnd.IntN(v.NumField())))
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint8:
		v.SetUint(uint64(rnd.IntN(256)))
	case reflect.Uint64:
		v.SetUint([]uint64{0, 1, 2, 512, 4096, 100, 1 << 20, 1<<63 - 512, 1 << 63, 1<<64 - 512, 1<<64 - 1}[rnd.IntN(11)])
	case reflect.String:
		words := []string{
			"", "-", "0", "1", "7:0", "/dev/a b", `\`, "\xa0", "é", "\t", "a:b", ":8:user:k", "08", "18446744073709551616", "\x00",
			"discard_zeroes_cow", "ignore_corruption", "16:none", "core", "disk", "raid10", "B", "bio", "hw-wrapped", "J", "crc32c", "x",
		}
		v.SetString(words[rnd.IntN(len(words))])
	case reflect.Slice:
		mutateSlice(rnd, v)
	}
}

// mutateSlice gives v a changed copy of its slice.
func mutateSlice(rnd *rand.Rand, v reflect.Value) {
	n := v.Len()
	s := reflect.MakeSlice(v.Type(), n, n+1)
	reflect.Copy(s, v)
	switch op := rnd.IntN(4); {
	case n == 0 || op == 0:
		s = reflect.Append(s, reflect.New(v.Type().Elem()).Elem())
		mutate(rnd, s.Index(n))
	case op == 1:
		s = s.Slice(0, n-1)
	case op == 2:
		i, j := rnd.IntN(n), rnd.IntN(n)
		a, b := reflect.New(v.Type().Elem()).Elem(), reflect.New(v.Type().Elem()).Elem()
		a.Set(s.Index(i))
		b.Set(s.Index(j))
		s.Index(i).Set(b)
		s.Index(j).Set(a)
	default:
		mutate(rnd, s.Index(rnd.IntN(n)))
	}
	v.Set(s)
}

// normal is the form in which tab reads back, where that is another one.
func normal(tab Table) Table {
	v := reflect.New(reflect.TypeOf(tab)).Elem()
	v.Set(reflect.ValueOf(tab))
	dropEmpty(v)
	switch n := v.Interface().(type) {
	case VerityTable:
		if n.Salt == "" {
			n.Salt = "-"
		}
		return n
	case RaidTable:
		for i, d := range n.Devices {
			if d.MetaDevice == "" {
				n.Devices[i].MetaDevice = "-"
			}
			if d.DataDevice == "" {
				n.Devices[i].DataDevice = "-"
			}
		}
		return n
	case MultipathTable:
		if _, err := parseNumber(n.HWHandler); err != nil && n.HWHandler != "" {
			return n
		}
		n.HWHandler = "0"
		if len(n.HWArgs) > 0 {
			n.HWHandler, n.HWArgs = n.HWArgs[0], n.HWArgs[1:]
		}
		if len(n.HWArgs) == 0 {
			n.HWArgs = nil
		}
		return n
	case DelayTable:
		if n.FlushDevice != "" && n.WriteDevice == "" {
			n.WriteDevice, n.WriteOffset, n.WriteDelay = n.ReadDevice, n.ReadOffset, n.ReadDelay
		}
		return n
	case RawTable:
		n.Params = trimSpace(n.Params)
		return n
	}
	return v.Interface().(Table)
}

// dropEmpty makes empty slices nil and copies the others.
func dropEmpty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			dropEmpty(v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
			return
		}
		s := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(s, v)
		v.Set(s)
		for i := range v.Len() {
			dropEmpty(v.Index(i))
		}
	}
}
