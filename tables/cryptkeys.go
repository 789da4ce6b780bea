package tables

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
)

func (t CryptTable) masked() CryptTable {
	if t.Key != nil {
		t.Key = make([]byte, len(t.Key))
	}
	return t
}

// String is the table line with zeros for the key.
func (t CryptTable) String() string { return maskedLine(t.masked()) }

// GoString is the value in Go syntax with zeros for the key.
func (t CryptTable) GoString() string {
	type cryptFields CryptTable
	return "tables.CryptTable" + fmt.Sprintf("%#v", cryptFields(t.masked()))[len("tables.cryptFields"):]
}

// Format implements [fmt.Formatter], so that no verb prints the key.
func (t CryptTable) Format(f fmt.State, verb rune) { formatMasked(f, verb, t.String(), t.GoString()) }

// maskedLine is the line of a table without secrets, or its Go syntax when it
// has no line. The caller passes a masked copy.
func maskedLine(t interface {
	Table
	fmt.GoStringer
},
) string {
	l, err := LineOf(t)
	if err != nil {
		return t.GoString()
	}
	return l.text()
}

// cryptJSON is a CryptTable as JSON.
type cryptJSON struct {
	Start            uint64   `json:"start_bytes"`
	Length           uint64   `json:"length_bytes"`
	Encryption       string   `json:"encryption"`
	Key              string   `json:"key,omitempty"` // hexadecimal
	KeyMasked        bool     `json:"key_masked,omitempty"`
	KeyID            string   `json:"key_id,omitempty"`
	IVTweak          uint64   `json:"iv_tweak_sectors"`
	BackendDevice    string   `json:"backend_device"`
	BackendOffset    uint64   `json:"backend_offset_bytes"`
	Flags            []string `json:"flags,omitempty"`
	SectorSize       uint64   `json:"sector_size_bytes,omitempty"` // absent: 512
	Integrity        string   `json:"integrity,omitempty"`
	IntegrityKeySize uint64   `json:"integrity_key_size_bytes,omitempty"`
}

func (t CryptTable) jsonObject(showKeys bool) any {
	hidden := !showKeys && len(t.Key) > 0
	if hidden {
		t = t.masked()
	}
	return cryptJSON{
		Start: t.Start, Length: t.Length, Encryption: t.Encryption,
		Key: hex.EncodeToString(t.Key), KeyMasked: hidden, KeyID: t.KeyID, IVTweak: t.IVTweak,
		BackendDevice: t.BackendDevice, BackendOffset: t.BackendOffset, Flags: t.Flags,
		SectorSize: t.SectorSize, Integrity: t.Integrity, IntegrityKeySize: t.IntegrityKeySize,
	}
}

// MarshalJSON masks the key, as [EncodeJSON] does by default.
func (t CryptTable) MarshalJSON() ([]byte, error) { return json.Marshal(t.jsonObject(false)) }

// UnmarshalJSON reads what MarshalJSON and [EncodeJSON] write, target aside.
func (t *CryptTable) UnmarshalJSON(object []byte) error {
	var o cryptJSON
	if err := unmarshalStrict(object, &o); err != nil {
		return err
	}
	*t = CryptTable{
		Start: o.Start, Length: o.Length, Encryption: o.Encryption, KeyID: o.KeyID, IVTweak: o.IVTweak,
		BackendDevice: o.BackendDevice, BackendOffset: o.BackendOffset, Flags: o.Flags,
		SectorSize: o.SectorSize, Integrity: o.Integrity, IntegrityKeySize: o.IntegrityKeySize,
	}
	var err error
	t.Key, err = keyFromJSON("crypt", o.Key)
	return err
}

func keyFromJSON(target, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	key, err := decodeKey(text)
	if err != nil {
		return nil, locate(target, "key", err)
	}
	return key, nil
}
