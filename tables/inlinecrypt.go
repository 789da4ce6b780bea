package tables

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
)

// InlineCryptTable encrypts in the storage hardware. Line: as [CryptTable],
// with fewer options and keytype:raw|hw-wrapped (dm-inlinecrypt.rst). Printed with
// fmt or as JSON the key is zeros.
type InlineCryptTable struct {
	Start         uint64   // bytes
	Length        uint64   // bytes
	BackendDevice string   // device that stores the encrypted data
	BackendOffset uint64   // bytes
	Encryption    string   // "aes-xts-plain64"
	Key           []byte   // raw or wrapped; nil and no KeyID: "-"
	KeyID         string   // keyring reference; excludes Key
	IVTweak       uint64   // 512-byte sectors
	Flags         []string // CryptFlagAllowDiscards, CryptFlagIVLargeSectors
	SectorSize    uint64   // bytes; 0: 512, not written
	KeyType       string   // "raw" or "hw-wrapped"; "": not given
}

var inlineCryptOptions = grammar[InlineCryptTable]{target: "inlinecrypt", field: "options", options: []option[InlineCryptTable]{
	{name: CryptFlagAllowDiscards, set: addInlineCryptFlag},
	{name: "sector_size", colon: true, set: func(t *InlineCryptTable, a option1) (err error) {
		t.SectorSize, err = parseCryptSector(a.values[0])
		return err
	}},
	{name: CryptFlagIVLargeSectors, set: addInlineCryptFlag},
	{name: "keytype", colon: true, set: choice(func(t *InlineCryptTable) *string { return &t.KeyType }, "raw", "hw-wrapped")},
}}

func addInlineCryptFlag(t *InlineCryptTable, a option1) error {
	t.Flags = append(t.Flags, a.word)
	return nil
}

func (t InlineCryptTable) start() uint64      { return t.Start }
func (t InlineCryptTable) length() uint64     { return t.Length }
func (t InlineCryptTable) targetType() string { return "inlinecrypt" }
func (t InlineCryptTable) value() Table       { return t }
func (t InlineCryptTable) devices() []string  { return []string{t.BackendDevice} }

func (t InlineCryptTable) params() (string, error) {
	b := builder{target: "inlinecrypt"}
	b.word("cipher", t.Encryption)
	b.word("key", keyWord(&b, t.Key, t.KeyID))
	b.number(t.IVTweak)
	b.word("device", t.BackendDevice)
	b.sectors("start", t.BackendOffset)
	options := append([]string(nil), t.Flags...)
	if t.SectorSize != 0 {
		options = append(options, "sector_size:"+strconv.FormatUint(t.SectorSize, 10))
	}
	if t.KeyType != "" {
		options = append(options, "keytype:"+t.KeyType)
	}
	var read InlineCryptTable
	b.check(inlineCryptOptions.parse(&read, options))
	if b.err == nil && (read.SectorSize != t.SectorSize || read.KeyType != t.KeyType) {
		b.failf("flags", ErrSyntax, "sector_size and keytype have fields of their own")
	}
	b.optionalGroup("options", options)
	return b.done()
}

func parseInlineCrypt(start, length uint64, r *reader) Table {
	t := InlineCryptTable{Start: start, Length: length}
	t.Encryption = r.word("cipher")
	t.Key, t.KeyID = readKeyWord(r)
	t.IVTweak = r.number("iv offset")
	t.BackendDevice = r.word("device")
	t.BackendOffset = r.sectors("start")
	r.check(inlineCryptOptions.parse(&t, r.optionalGroup("options", noLimit)))
	return t
}

func (t InlineCryptTable) check() error {
	if t.SectorSize > SectorSize && !t.hasFlag(CryptFlagIVLargeSectors) {
		return failf("inlinecrypt", "sector_size", ErrInvalid, "%d bytes need iv_large_sectors", t.SectorSize)
	}
	return checkCrypt("inlinecrypt", t.Length, t.SectorSize, t.IVTweak, t.BackendOffset)
}

func (t InlineCryptTable) hasFlag(flag string) bool {
	for _, f := range t.Flags {
		if equalFold(f, flag) {
			return true
		}
	}
	return false
}

func (t InlineCryptTable) masked() InlineCryptTable {
	if t.Key != nil {
		t.Key = make([]byte, len(t.Key))
	}
	return t
}

// String is the table line with zeros for the key.
func (t InlineCryptTable) String() string { return maskedLine(t.masked()) }

// GoString is the value in Go syntax with zeros for the key.
func (t InlineCryptTable) GoString() string {
	type inlineFields InlineCryptTable
	return "tables.InlineCryptTable" + fmt.Sprintf("%#v", inlineFields(t.masked()))[len("tables.inlineFields"):]
}

// Format implements [fmt.Formatter], so that no verb prints the key.
func (t InlineCryptTable) Format(f fmt.State, verb rune) {
	formatMasked(f, verb, t.String(), t.GoString())
}

// inlineJSON is an InlineCryptTable as JSON.
type inlineJSON struct {
	Start         uint64   `json:"start_bytes"`
	Length        uint64   `json:"length_bytes"`
	Encryption    string   `json:"encryption"`
	Key           string   `json:"key,omitempty"` // hexadecimal
	KeyMasked     bool     `json:"key_masked,omitempty"`
	KeyID         string   `json:"key_id,omitempty"`
	KeyType       string   `json:"key_type,omitempty"`
	IVTweak       uint64   `json:"iv_tweak_sectors"`
	BackendDevice string   `json:"backend_device"`
	BackendOffset uint64   `json:"backend_offset_bytes"`
	Flags         []string `json:"flags,omitempty"`
	SectorSize    uint64   `json:"sector_size_bytes,omitempty"` // absent: 512
}

func (t InlineCryptTable) jsonObject(showKeys bool) any {
	hidden := !showKeys && len(t.Key) > 0
	if hidden {
		t = t.masked()
	}
	return inlineJSON{
		Start: t.Start, Length: t.Length, Encryption: t.Encryption, Key: hex.EncodeToString(t.Key),
		KeyMasked: hidden, KeyID: t.KeyID, KeyType: t.KeyType, IVTweak: t.IVTweak,
		BackendDevice: t.BackendDevice, BackendOffset: t.BackendOffset, Flags: t.Flags, SectorSize: t.SectorSize,
	}
}

// MarshalJSON masks the key, as [EncodeJSON] does by default.
func (t InlineCryptTable) MarshalJSON() ([]byte, error) { return json.Marshal(t.jsonObject(false)) }

// UnmarshalJSON reads what MarshalJSON and [EncodeJSON] write, target aside.
func (t *InlineCryptTable) UnmarshalJSON(object []byte) error {
	var o inlineJSON
	if err := unmarshalStrict(object, &o); err != nil {
		return err
	}
	*t = InlineCryptTable{
		Start: o.Start, Length: o.Length, Encryption: o.Encryption, KeyID: o.KeyID, KeyType: o.KeyType,
		IVTweak: o.IVTweak, BackendDevice: o.BackendDevice, BackendOffset: o.BackendOffset,
		Flags: o.Flags, SectorSize: o.SectorSize,
	}
	var err error
	t.Key, err = keyFromJSON("inlinecrypt", o.Key)
	return err
}

// InlineCryptStatus is the status of an inlinecrypt target, which says nothing.
type InlineCryptStatus struct{ StatusHeader }

func (InlineCryptStatus) targetType() string { return "inlinecrypt" }

func (InlineCryptStatus) write(*statusWriter) {}

func parseInlineCryptStatus(h StatusHeader, r *reader) Status { return InlineCryptStatus{r.tail(h)} }
