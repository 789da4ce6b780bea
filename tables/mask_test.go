package tables

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// testKey is recognisable in every spelling that fmt and JSON know.
var testKey = []byte{0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xf0, 0x0d, 0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xf0, 0x0d}

// leaks lists the ways in which a text can show testKey.
func leaks(text string) []string {
	h := hex.EncodeToString(testKey)
	var found []string
	for _, form := range []string{
		h[:8], strings.ToUpper(h[:8]), "222 173 190 239", "0xde, 0xad", "[de ad", "de ad be", "3q2+78r+8A", string(testKey[:4]),
		`\xde\xad`, hex.EncodeToString([]byte(h))[:16], strings.ToUpper(hex.EncodeToString([]byte(h)))[:16],
	} {
		if strings.Contains(text, form) {
			found = append(found, form)
		}
	}
	return found
}

// keyed are values that hold testKey in every place a key can be.
func keyed() map[string]any {
	h := hex.EncodeToString(testKey)
	crypt := CryptTable{Length: 4 * kib, Encryption: "aes-cbc-plain", Key: testKey, BackendDevice: "7:0"}
	inline := InlineCryptTable{Length: 4 * kib, Encryption: "aes-xts-plain64", Key: testKey, BackendDevice: "7:0", KeyType: "raw"}
	integrity := IntegrityTable{Length: 4 * kib, Device: "7:0", TagSize: 4, Mode: "J", Features: []string{
		"internal_hash:hmac(sha1):" + h, "journal_crypt:cbc(aes):" + h, "journal_mac:hmac(sha1):" + h, "fix_padding",
	}}
	bad := crypt
	bad.BackendOffset = 1 // has no line
	badIntegrity := integrity
	badIntegrity.Mode = "?"
	options, err := integrity.Options()
	if err != nil || !bytes.Equal(options.JournalMAC.Key, testKey) {
		panic(fmt.Sprint("the test's options are wrong: ", err))
	}
	line, err := LineOf(crypt)
	if err != nil {
		panic(err)
	}
	integrityLine, err := LineOf(integrity)
	if err != nil {
		panic(err)
	}
	raw := RawTable{Length: 4 * kib, Target: "crypt", Params: line.Params}
	return map[string]any{
		"crypt": crypt, "crypt pointer": &crypt, "crypt without a line": bad, "crypt interface": []Table{crypt, &crypt},
		"inlinecrypt": inline, "inlinecrypt pointer": &inline,
		"integrity": integrity, "integrity pointer": &integrity, "integrity without a line": badIntegrity,
		"options": options, "options pointer": &options, "algorithm": options.InternalHash, "algorithms": []IntegrityAlgorithm{options.JournalMAC},
		"line": line, "line pointer": &line, "lines": []Line{line, integrityLine}, "malformed line": Line{Target: "crypt", Params: h + " " + h},
		"malformed integrity": Line{Target: "integrity", Params: "7:0 0 4 J 1 " + h + " journal_mac:" + h},
		"raw crypt":           raw, "raw pointer": &raw,
		"raw default-key":   RawTable{Target: "default-key", Params: "aes " + h + " 0 7:0 0"},
		"raw unknown":       RawTable{Target: "future-crypt", Params: "x " + h + h + " y"},
		"device":            Device{Name: "m", Tables: []Table{crypt, integrity, raw, &inline}},
		"devices":           []Device{{Tables: []Table{crypt, &integrity}}},
		"map":               map[string]Table{"m": crypt, "i": integrity},
		"exported field":    struct{ T Table }{crypt},
		"exported value":    struct{ T CryptTable }{crypt},
		"exported pointer":  struct{ T *CryptTable }{&crypt},
		"nested exported":   struct{ In struct{ Ts []Table } }{struct{ Ts []Table }{[]Table{integrity, crypt}}},
		"any":               []any{crypt, integrity, line, raw},
		"array":             [2]Table{crypt, integrity},
		"map of struct":     map[int]CryptTable{1: crypt},
		"slice of pointers": []*CryptTable{&crypt},
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%b", "%c", "%U", "%e", "%t", "%08v", "%-200s", "%.1000v", "%#q", "%T"}
	// Not %p: fmt prints a struct given to it without asking the type, and
	// go vet refuses it.
	for name, v := range keyed() {
		for _, verb := range verbs {
			text := fmt.Sprintf(verb, v)
			if l := leaks(text); len(l) > 0 {
				t.Errorf("%s with %s shows the key as %q: %s", name, verb, l, text)
			}
		}
		for _, text := range []string{fmt.Sprint(v), fmt.Sprintln("x", v), fmt.Errorf("doing: %v", v).Error()} {
			if l := leaks(text); len(l) > 0 {
				t.Errorf("%s shows the key as %q: %s", name, l, text)
			}
		}
	}
}

func TestKeysAreNotInJSONOrLogs(t *testing.T) {
	t.Parallel()
	for name, v := range keyed() {
		object, err := json.Marshal(v)
		if err != nil {
			t.Errorf("JSON of %s: %v", name, err)
		}
		if l := leaks(string(object)); len(l) > 0 {
			t.Errorf("json.Marshal of %s shows the key as %q: %s", name, l, object)
		}
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		if l := leaks(b.String()); len(l) > 0 {
			t.Errorf("slog of %s shows the key as %q: %s", name, l, b.String())
		}
	}
}

// TestMaskedText: what is printed is the line with zeros, as dmsetup prints it.
func TestMaskedText(t *testing.T) {
	t.Parallel()
	h := hex.EncodeToString(testKey)
	z := zeros(len(h))
	for _, c := range []struct {
		v    any
		verb string
		want string
	}{
		{CryptTable{Length: 4 * kib, Encryption: "aes-cbc-plain", Key: testKey, BackendDevice: "7:0"}, "%v", "0 8 crypt aes-cbc-plain " + z + " 0 7:0 0"},
		{CryptTable{Length: 4 * kib, Encryption: "a", KeyID: ":32:logon:x", BackendDevice: "7:0"}, "%s", "0 8 crypt a :32:logon:x 0 7:0 0"},
		{CryptTable{Length: 4 * kib, Encryption: "a", BackendDevice: "7:0"}, "%s", "0 8 crypt a - 0 7:0 0"},
		{CryptTable{Length: 512, Key: []byte{1}}, "%v", `tables.CryptTable{Start:0x0, Length:0x200, BackendDevice:"", BackendOffset:0x0, Encryption:"", Key:[]uint8{0x0}, KeyID:"", IVTweak:0x0, Flags:[]string(nil), SectorSize:0x0, Integrity:"", IntegrityKeySize:0x0}`},
		{IntegrityTable{Length: 4 * kib, Device: "7:0", Mode: "J", Features: []string{"internal_hash:x:" + h}}, "%+v", "0 8 integrity 7:0 0 - J 1 internal_hash:x:" + z},
		{IntegrityTable{Mode: "D"}, "%#v", `tables.IntegrityTable{Start:0x0, Length:0x0, Device:"", Offset:0x0, TagSize:0x0, Mode:"D", Features:[]string(nil)}`},
		{InlineCryptTable{Length: 512, Encryption: "a", Key: []byte{1}, BackendDevice: "b"}, "%d", "0 1 inlinecrypt a 00 0 b 0"},
		{InlineCryptTable{}, "%#v", `tables.InlineCryptTable{Start:0x0, Length:0x0, BackendDevice:"", BackendOffset:0x0, Encryption:"", Key:[]uint8(nil), KeyID:"", IVTweak:0x0, Flags:[]string(nil), SectorSize:0x0, KeyType:""}`},
		{IntegrityAlgorithm{Name: "crc32c"}, "%v", "crc32c"},
		{IntegrityAlgorithm{Name: "x", Key: []byte{1, 2}}, "%v", "x:0000"},
		{IntegrityAlgorithm{Name: "x", Key: []byte{1}}, "%#v", `tables.IntegrityAlgorithm{Name:"x", Key:[]uint8{0x0}}`},
		{Line{0, 8, "linear", "7:0 0"}, "%v", "0 8 linear 7:0 0"},
		{Line{0, 8, "linear", "/dev/wwn-0x600508b1001c577e11dd042142d8b485 0"}, "%v", "0 8 linear /dev/wwn-0x600508b1001c577e11dd042142d8b485 0"},
		{Line{0, 8, "verity", h + h}, "%v", "0 8 verity " + h + h},
		{Line{0, 8, "crypt", "aes  " + h + "\t0 7:0 0"}, "%v", "0 8 crypt aes  " + z + "\t0 7:0 0"},
		{Line{0, 8, "crypt", `a\ b ` + h + ` 0`}, "%v", `0 8 crypt a\ b ` + z + ` 0`},
		{Line{0, 8, "zero", ""}, "%#v", `tables.Line{Start:0x0, Length:0x8, Target:"zero", Params:""}`},
		{RawTable{Length: 512, Target: "x", Params: "a b"}, "%v", "0 1 x a b"},
		{RawTable{Length: 512, Target: "x", Params: "a b"}, "%#v", `tables.RawTable{Start:0x0, Length:0x200, Target:"x", Params:"a b"}`},
		{RawTable{Length: 1, Target: "x"}, "%v", `tables.RawTable{Start:0x0, Length:0x1, Target:"x", Params:""}`},
	} {
		if got := fmt.Sprintf(c.verb, c.v); got != c.want {
			t.Errorf("%s of %T:\n got %s\nwant %s", c.verb, c.v, got, c.want)
		}
	}
}

// TestLineAndFormatGiveKeys: hiding must not go too far.
func TestLineAndFormatGiveKeys(t *testing.T) {
	t.Parallel()
	crypt := keyed()["crypt"].(CryptTable)
	l, err := LineOf(crypt)
	if err != nil || !strings.Contains(l.Params, hex.EncodeToString(testKey)) {
		t.Errorf("LineOf of a crypt table has no key: %v", err)
	}
	var b bytes.Buffer
	if err := Format(&b, crypt); err != nil || !strings.Contains(b.String(), hex.EncodeToString(testKey)) {
		t.Errorf("Format of a crypt table has no key: %v", err)
	}
	if !bytes.Equal(crypt.Key, testKey) {
		t.Error("printing changed the key")
	}
}

// TestErrorsDoNotShowKeys damages lines that hold a key in every way that
// leaves the key somewhere, and reads them by every door.
func TestErrorsDoNotShowKeys(t *testing.T) {
	t.Parallel()
	h := hex.EncodeToString(testKey)
	lines := []string{
		"0 8 crypt aes-cbc-plain " + h + " 0 7:0 0",
		"0 8 crypt aes-cbc-plain " + h + " 0 7:0 0 1 allow_discards",
		"0 8 inlinecrypt aes-xts-plain64 " + h + " 0 7:0 0 1 keytype:raw",
		"0 8 integrity 7:0 0 4 J 2 internal_hash:hmac(sha1):" + h + " fix_padding",
		"0 8 integrity 7:0 0 4 J 1 journal_mac:hmac(sha1):" + h,
	}
	refused := 0
	check := func(door, text string, err error) {
		if err == nil {
			return
		}
		refused++
		for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			if l := leaks(shown); len(l) > 0 {
				t.Errorf("%s of %q shows the key as %q: %s", door, text, l, shown)
			}
		}
	}
	for _, line := range lines {
		words := strings.Split(line, " ")
		var damaged []string
		for i := range words {
			without := append(append([]string(nil), words[:i]...), words[i+1:]...)
			twice := append(append([]string(nil), words[:i+1]...), words[i:]...)
			damaged = append(damaged, strings.Join(without, " "), strings.Join(twice, " "))
			for _, odd := range []string{words[i] + "0", words[i] + "zz", h, ":" + words[i], h + ":", ":" + h + ":logon:x", ":1:" + h + ":x", "x", "internal_hash:" + words[i], words[i] + `\`} {
				changed := append([]string(nil), words...)
				changed[i] = odd
				damaged = append(damaged, strings.Join(changed, " "))
			}
			for j := range words {
				swapped := append([]string(nil), words...)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				damaged = append(damaged, strings.Join(swapped, " "))
			}
		}
		damaged = append(damaged, line+" "+h, h+" "+line, line+" "+line, line+`\`)
		for _, text := range damaged {
			_, err := Parse(strings.NewReader(text))
			check("Parse", text, err)
			for _, form := range []string{
				"m: " + text, "m,,,rw," + text, "m,,," + text, "m,," + text + ",rw,0 8 zero", text + ",u,1,rw,0 8 zero",
				`dm-mod.create="m,,,ro,` + text + `"`, `dm-mod.create="m,,,` + text + `,rw`,
			} {
				ds, err := ParseDevices(strings.NewReader(form))
				check("ParseDevices", form, err)
				for _, d := range ds {
					check("Device.Validate", form, d.Validate())
				}
			}
		}
	}
	for _, text := range []string{
		`{"devices":[{"tables":[{"target":"crypt","key":"` + h + `zz"}]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","key":"` + h + `0"}]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","key":["` + h + `"]}]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","` + h + `":1}]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","key":"` + h + `","key":"` + h + `"]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","encryption":"a","key":"` + h + `","backend_offset_bytes":1,"backend_device":"b"}]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","key":"` + h + `","iv_tweak_sectors":"` + h + `"}]}]}`,
		`{"devices":[{"tables":[{"target":"integrity","mode":"J","features":["internal_hash:x:` + h + `0"]}]}]}`,
		`{"devices":[{"tables":[{"target":"integrity","features":"internal_hash:x:` + h + `"}]}]}`,
		`{"devices":[{"tables":[{"target":"` + h + `"}]}]}`,
		`{"devices":[{"tables":[{"target":"crypt","params":"aes ` + h + `0 0 7:0 0"}]}]}`,
		`{"devices":[{"tables":["` + h + `"]}]}`,
		`{"devices":"` + h + `"}`,
		`"` + h + `"`,
		h,
	} {
		_, err := DecodeJSON(strings.NewReader(text))
		if err == nil {
			t.Errorf("DecodeJSON(%s) was not refused", text)
		}
		check("DecodeJSON", text, err)
	}
	for name, v := range keyed() {
		if tab, ok := v.(Table); ok {
			check("Validate", name, Validate(tab, tab))
			_, err := FormatCreate(Device{Name: "m", Tables: []Table{tab}})
			check("FormatCreate", name, err)
		}
	}
	if refused < 500 {
		t.Errorf("%d texts were refused, want at least 500: the test does not test", refused)
	}
}
