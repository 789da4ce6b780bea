package tables

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

func TestJSONReadsBack(t *testing.T) {
	t.Parallel()
	var all []Device
	for _, c := range structCases {
		all = append(all, Device{Name: "d" + strings.Repeat("x", len(all)), Tables: []Table{c.table}})
	}
	all = append(all, someDevices...)
	all = append(all, Device{Name: "empty"}, Device{Name: `<&>"é`})
	var b bytes.Buffer
	if err := EncodeJSON(&b, JSONOptions{ShowKeys: true}, all...); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := DecodeJSON(&b)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for i := range all {
		if i < len(got) && !reflect.DeepEqual(got[i], all[i]) {
			t.Errorf("device %d reads back differently:\n got %#v\nwant %#v", i, got[i], all[i])
		}
	}
	if len(got) != len(all) {
		t.Errorf("%d devices read back, want %d", len(got), len(all))
	}
	if !strings.Contains(text, `"name": "<&>\"é"`) {
		t.Error("JSON escapes what it need not")
	}
}

func TestJSONText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	d := Device{Name: "root", UUID: "u", Minor: minor(0), ReadOnly: true, Tables: []Table{LinearTable{Length: 1 << 20, BackendDevice: "/dev/sda"}}}
	if err := EncodeJSON(&b, JSONOptions{}, d); err != nil {
		t.Fatal(err)
	}
	want := `{
  "devices": [
    {
      "name": "root",
      "uuid": "u",
      "minor": 0,
      "read_only": true,
      "tables": [
        {
          "target": "linear",
          "start_bytes": 0,
          "length_bytes": 1048576,
          "backend_device": "/dev/sda",
          "backend_offset_bytes": 0
        }
      ]
    }
  ]
}
`
	if b.String() != want {
		t.Errorf("got %s\nwant %s", b.String(), want)
	}
	b.Reset()
	if err := EncodeJSON(&b, JSONOptions{}); err != nil || b.String() != "{\n  \"devices\": []\n}\n" {
		t.Errorf("no device gives %q, %v", b.String(), err)
	}
}

// TestJSONMasksKeys: zeros of the same length and a mark, unless asked.
func TestJSONMasksKeys(t *testing.T) {
	t.Parallel()
	h := hex.EncodeToString(testKey)
	z := zeros(len(h))
	for _, c := range []struct {
		line, masked string
	}{
		{"0 8 crypt aes-cbc-plain " + h + " 0 7:0 0", `"key":"` + z + `","key_masked":true`},
		{"0 8 inlinecrypt aes-xts-plain64 " + h + " 0 7:0 0", `"key":"` + z + `","key_masked":true`},
		{"0 8 integrity 7:0 0 4 J 1 internal_hash:x:" + h, `"features":["internal_hash:x:` + z + `"],"key_masked":true`},
		{"0 8 integrity 7:0 0 4 J 1 internal_hash:x:" + z, `"features":["internal_hash:x:` + z + `"],"key_masked":true`},
		{"0 8 default-key a " + h + " 0 7:0 0", `"params":"a ` + z + ` 0 7:0 0","key_masked":true`},
		{"0 8 crypt aes-cbc-plain :16:logon:x 0 7:0 0", `"key_id":":16:logon:x"`},
		{"0 8 crypt aes-cbc-plain - 0 7:0 0", ""},
		{"0 8 integrity 7:0 0 4 J 1 internal_hash:crc32c", ""},
	} {
		tab, err := parseTableText(c.line)
		if err != nil {
			t.Fatal(err)
		}
		masked, err := encodeTable(JSONOptions{}, tab)
		if err != nil || !strings.Contains(string(masked), c.masked) {
			t.Errorf("%q: masked JSON is %s, %v, want %s in it", c.line, masked, err, c.masked)
		}
		if c.masked == "" && strings.Contains(string(masked), "key_masked") {
			t.Errorf("%q: %s says that a key was masked", c.line, masked)
		}
		shown, err := encodeTable(JSONOptions{ShowKeys: true}, tab)
		if err != nil || strings.Contains(string(shown), "key_masked") || strings.Contains(c.line, h) != strings.Contains(string(shown), h) {
			t.Errorf("%q: JSON with keys is %s, %v", c.line, shown, err)
		}
		if _, err := decodeTable(masked); err != nil {
			t.Errorf("%q: masked JSON does not read back: %v", c.line, err)
		}
	}
}

// TestUnmarshalTables: plain encoding/json works for the structs that mask.
func TestUnmarshalTables(t *testing.T) {
	t.Parallel()
	crypt := CryptTable{Length: 512, Encryption: "a", Key: []byte{0, 0}, BackendDevice: "b", IVTweak: 3, Flags: []string{"allow_discards"}}
	integrity := IntegrityTable{Length: 512, Device: "b", TagSize: 4, Mode: "D", Features: []string{"fix_padding"}}
	inline := InlineCryptTable{Length: 512, Encryption: "a", Key: []byte{0, 0}, BackendDevice: "b", KeyType: "raw"}
	for _, c := range []struct {
		from any
		to   any
	}{{crypt, &CryptTable{}}, {integrity, &IntegrityTable{}}, {inline, &InlineCryptTable{}}} {
		text, err := json.Marshal(c.from)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, c.to); err != nil || !reflect.DeepEqual(reflect.ValueOf(c.to).Elem().Interface(), c.from) {
			t.Errorf("%s reads back as %#v, %v", text, c.to, err)
		}
	}
}

func TestDecodeJSONErrors(t *testing.T) {
	t.Parallel()
	table := func(object string) string { return `{"devices":[{"name":"m","tables":[` + object + `]}]}` }
	for _, c := range []struct {
		text, want string
	}{
		{"", "tables: syntax error: the JSON text is malformed: EOF"},
		{"{", "tables: syntax error: the JSON text is malformed: unexpected EOF"},
		{`{"devices":[]} x`, "tables: syntax error: there is text after the JSON value"},
		{`{"device":[]}`, `tables: syntax error: unknown JSON field "device"`},
		{`{"devices":{}}`, "tables: devices: syntax error: the JSON value does not fit, want []tables.deviceJSON"},
		{`{"devices":[{"minor":-1}]}`, "tables: devices.minor: syntax error: the JSON value does not fit, want uint32"},
		{`{"devices":[{"minor":1048576}]}`, "tables: minor: invalid table: 1048576 is not below 1048576"},
		{`{"devices":[{"name":"a/b"}]}`, `tables: device "a/b": name: invalid table: a name cannot hold / or NUL`},
		{`{"devices":[{"name":"a"},{"name":"a"}]}`, `tables: device "a": name: invalid table: there are two devices of this name`},
		{table(`null`), `tables: line 1: device "m": target: syntax error: the target of a table must be a string`},
		{table(`{}`), `tables: line 1: device "m": target: syntax error: the target of a table must be a string`},
		{table(`{"target":1}`), `tables: line 1: device "m": target: syntax error: the target of a table must be a string`},
		{table(`[]`), `tables: line 1: device "m": syntax error: the JSON value does not fit, want map[string]json.RawMessage`},
		{table(`{"target":"zero"},{"target":"linear","backend_device":5}`), `tables: line 2: device "m": linear: backend_device: syntax error: the JSON value does not fit, want string`},
		{table(`{"target":"linear","device":"x"}`), `tables: line 1: device "m": linear: syntax error: unknown JSON field "device"`},
		{table(`{"target":"linear","backend_device":"x","length_bytes":1}`), `tables: line 1: device "m": linear: length: unaligned: 1 bytes are not a multiple of 512`},
		{table(`{"target":"verity","params":["x"]}`), `tables: line 1: device "m": verity: params: syntax error: found "x", want one of ignore_corruption, restart_on_corruption, panic_on_corruption, restart_on_error, panic_on_error, ignore_zero_blocks, check_at_most_once, try_verify_in_tasklet, use_fec_from_device, fec_blocks, fec_start, fec_roots, root_hash_sig_key_desc`},
		{table(`{"target":"crypt","key":"0g"}`), `tables: line 1: device "m": crypt: key: syntax error: the key has characters that are not hexadecimal digits`},
		{table(`{"target":"inlinecrypt","key":"0"}`), `tables: line 1: device "m": inlinecrypt: key: syntax error: the key has an odd number of hexadecimal digits (1)`},
		{table(`{"target":"crypt","flag":1}`), `tables: line 1: device "m": crypt: syntax error: unknown JSON field "flag"`},
		{table(`{"target":"inlinecrypt","flag":1}`), `tables: line 1: device "m": inlinecrypt: syntax error: unknown JSON field "flag"`},
		{table(`{"target":"integrity","flag":1}`), `tables: line 1: device "m": integrity: syntax error: unknown JSON field "flag"`},
		{table(`{"target":"x","flag":1}`), `tables: line 1: device "m": "x": syntax error: unknown JSON field "flag"`},
		{table(`{"target":""}`), `tables: line 1: device "m": target: syntax error: the target name is missing`},
	} {
		_, err := DecodeJSON(strings.NewReader(c.text))
		var p *ParseError
		if !errors.As(err, &p) || err.Error() != c.want {
			t.Errorf("DecodeJSON(%s):\n got %v\nwant %s", c.text, err, c.want)
		}
	}
	broken := errors.New("broken pipe")
	if _, err := DecodeJSON(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("DecodeJSON of a failing reader = %v, want %v", err, broken)
	}
	if _, err := DecodeJSON(strings.NewReader(strings.Repeat(" ", maxJSON+1))); !errors.Is(err, ErrSyntax) {
		t.Errorf("DecodeJSON of an endless text = %v, want ErrSyntax", err)
	}
}

func TestEncodeJSONErrors(t *testing.T) {
	t.Parallel()
	for _, d := range []Device{
		{Name: "\xff"},
		{UUID: "\xff"},
		{Tables: []Table{LinearTable{Length: 512, BackendDevice: "\xff"}}},
		{Tables: []Table{RawTable{Length: 512, Target: "\xff"}}},
		{Tables: []Table{LinearTable{Length: 512}}},
		{Tables: []Table{nil}},
	} {
		var p *ParseError
		if err := EncodeJSON(&bytes.Buffer{}, JSONOptions{}, d); !errors.As(err, &p) || !errors.Is(err, ErrSyntax) {
			t.Errorf("EncodeJSON(%#v) = %v, want ErrSyntax", d, err)
		}
	}
	broken := errors.New("disk full")
	if err := EncodeJSON(failingWriter{broken}, JSONOptions{}, Device{}); !errors.Is(err, broken) {
		t.Errorf("EncodeJSON to a failing writer = %v, want %v", err, broken)
	}
}

// TestRawOfKnownTargetInJSON: words that are known come back typed.
func TestRawOfKnownTargetInJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := EncodeJSON(&b, JSONOptions{}, Device{Tables: []Table{RawTable{Length: 512, Target: "linear", Params: "7:0 1"}}}); err != nil {
		t.Fatal(err)
	}
	got, err := DecodeJSON(&b)
	want := []Device{{Tables: []Table{LinearTable{Length: 512, BackendDevice: "7:0", BackendOffset: 512}}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v, want %#v", got, err, want)
	}
}
