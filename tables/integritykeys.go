package tables

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// IntegrityAlgorithm is the value of one of integrity's options internal_hash,
// journal_crypt and journal_mac. Printed with fmt or as JSON the key is zeros.
type IntegrityAlgorithm struct {
	Name string // as the kernel's crypto API spells it: "crc32c", "hmac(sha256)"; "": option not given
	Key  []byte // nil: none
}

// isIntegrityAlgorithm says whether an option's value may hold a key.
func isIntegrityAlgorithm(option string) bool {
	return option == "internal_hash" || option == "journal_crypt" || option == "journal_mac"
}

// setAlgorithm makes a setter for alg[:hexkey]. Its errors show neither part,
// since a key may stand in the place of the name.
func setAlgorithm(field func(*IntegrityOptions) *IntegrityAlgorithm) func(*IntegrityOptions, option1) error {
	return func(o *IntegrityOptions, a option1) error {
		name, key, keyed := strings.Cut(a.values[0], ":")
		if name == "" {
			return fmt.Errorf("%w: the algorithm is missing", ErrSyntax)
		}
		if keyed {
			k, err := decodeKey(key)
			if err != nil {
				return err
			}
			field(o).Key = k
		}
		field(o).Name = name
		return nil
	}
}

// decodeKey reads a key in hexadecimal; errors do not repeat it.
func decodeKey(text string) ([]byte, error) {
	if text == "" {
		return nil, fmt.Errorf("%w: the key is empty", ErrSyntax)
	}
	if len(text)%2 != 0 {
		return nil, fmt.Errorf("%w: the key has an odd number of hexadecimal digits (%d)", ErrSyntax, len(text))
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the key has characters that are not hexadecimal digits", ErrSyntax)
	}
	return key, nil
}

func (a IntegrityAlgorithm) masked() IntegrityAlgorithm {
	if a.Key != nil {
		a.Key = make([]byte, len(a.Key))
	}
	return a
}

// String is the option's value with zeros for the key.
func (a IntegrityAlgorithm) String() string {
	if a.Key == nil {
		return a.Name
	}
	return a.Name + ":" + zeros(2*len(a.Key))
}

// GoString is the value in Go syntax with zeros for the key.
func (a IntegrityAlgorithm) GoString() string {
	type algorithmFields IntegrityAlgorithm
	return "tables.IntegrityAlgorithm" + fmt.Sprintf("%#v", algorithmFields(a.masked()))[len("tables.algorithmFields"):]
}

// Format implements [fmt.Formatter], so that no verb prints the key.
func (a IntegrityAlgorithm) Format(f fmt.State, verb rune) {
	formatMasked(f, verb, a.String(), a.GoString())
}

// MarshalJSON gives the text of String.
func (a IntegrityAlgorithm) MarshalJSON() ([]byte, error) { return json.Marshal(a.String()) }

// masked is t with zeros for the keys in Features.
func (t IntegrityTable) masked() IntegrityTable {
	features := make([]string, len(t.Features))
	for i, w := range t.Features {
		features[i] = maskIntegrityWord(w)
	}
	if t.Features != nil {
		t.Features = features
	}
	return t
}

// String is the table line with zeros for keys.
func (t IntegrityTable) String() string { return maskedLine(t.masked()) }

// GoString is the value in Go syntax with zeros for keys.
func (t IntegrityTable) GoString() string {
	type integrityFields IntegrityTable
	return "tables.IntegrityTable" + fmt.Sprintf("%#v", integrityFields(t.masked()))[len("tables.integrityFields"):]
}

// Format implements [fmt.Formatter], so that no verb prints keys.
func (t IntegrityTable) Format(f fmt.State, verb rune) {
	formatMasked(f, verb, t.String(), t.GoString())
}

// integrityJSON is an IntegrityTable as JSON.
type integrityJSON struct {
	Start     uint64   `json:"start_bytes"`
	Length    uint64   `json:"length_bytes"`
	Device    string   `json:"device"`
	Offset    uint64   `json:"offset_bytes"`
	TagSize   uint64   `json:"tag_size_bytes"` // 0: -
	Mode      string   `json:"mode"`
	Features  []string `json:"features,omitempty"`
	KeyMasked bool     `json:"key_masked,omitempty"`
}

func (t IntegrityTable) jsonObject(showKeys bool) any {
	hidden := false
	if !showKeys {
		m := t.masked()
		for i, w := range t.Features {
			hidden = hidden || m.Features[i] != w || hasIntegrityKey(w)
		}
		t = m
	}
	return integrityJSON{
		Start: t.Start, Length: t.Length, Device: t.Device, Offset: t.Offset,
		TagSize: t.TagSize, Mode: t.Mode, Features: t.Features, KeyMasked: hidden,
	}
}

// hasIntegrityKey says whether an option word has a key part.
func hasIntegrityKey(word string) bool {
	option, rest, _ := strings.Cut(word, ":")
	return isIntegrityAlgorithm(option) && strings.IndexByte(rest, ':') >= 0
}

// MarshalJSON masks keys, as [EncodeJSON] does by default.
func (t IntegrityTable) MarshalJSON() ([]byte, error) { return json.Marshal(t.jsonObject(false)) }

// UnmarshalJSON reads what MarshalJSON and [EncodeJSON] write, target aside.
func (t *IntegrityTable) UnmarshalJSON(object []byte) error {
	var o integrityJSON
	if err := unmarshalStrict(object, &o); err != nil {
		return err
	}
	*t = IntegrityTable{
		Start: o.Start, Length: o.Length, Device: o.Device, Offset: o.Offset,
		TagSize: o.TagSize, Mode: o.Mode, Features: o.Features,
	}
	return nil
}
