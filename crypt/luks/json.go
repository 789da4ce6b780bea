package luks

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

const (
	maxDepth = 32 // objects and arrays inside each other; cryptsetup's JSON library stops there
	maxCount = 32 // key slots, tokens, segments, digests
)

// Members are members of a JSON object that this package does not know, kept as they
// were written.
type Members map[string]json.RawMessage

// jsonText cuts the text out of the JSON area: it ends at the first NUL, and only zeros
// may follow.
func jsonText(area []byte) ([]byte, error) {
	if len(area) == 0 || area[0] != '{' {
		return nil, errors.New("it does not start with an opening brace")
	}
	end := bytes.IndexByte(area, 0)
	if end < 0 {
		return nil, errors.New("its text has no end")
	}
	for i, c := range area[end:] {
		if c != 0 {
			return nil, fmt.Errorf("byte %d, behind the end of its text, is not zero", end+i)
		}
	}
	return area[:end], nil
}

// checkJSON makes sure that doc is one JSON value, not too deep, in which no object has
// a member twice: programs differ in which of the two they take.
func checkJSON(doc []byte) error {
	if !json.Valid(doc) {
		return errors.New("it is no JSON")
	}
	type level struct {
		members map[string]bool // nil in an array
		isKey   bool
	}
	var stack []level
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("it is no JSON")
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if n := len(stack); n > 0 && stack[n-1].members != nil {
			top := &stack[n-1]
			if top.isKey {
				name, _ := token.(string)
				if top.members[name] {
					return fmt.Errorf("member %q stands twice in an object", clip(name))
				}
				top.members[name], top.isKey = true, false
				continue
			}
			top.isKey = true
		}
		if delim, ok := token.(json.Delim); ok {
			if len(stack) == maxDepth {
				return fmt.Errorf("it is more than %d levels deep", maxDepth)
			}
			next := level{}
			if delim == '{' {
				next = level{make(map[string]bool), true}
			}
			stack = append(stack, next)
		}
	}
}

// split decodes an object: the required and optional members, by their exact names, into
// the struct at into; it returns the others.
func split(doc []byte, into any, required, optional []string) (Members, error) {
	var all, mine Members
	if err := json.Unmarshal(doc, &all); err != nil || all == nil {
		return nil, errors.New("it is no object")
	}
	mine = make(Members)
	for _, name := range required {
		if _, ok := all[name]; !ok {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	for _, list := range [][]string{required, optional} {
		for _, name := range list {
			v, ok := all[name]
			if !ok {
				continue
			}
			if string(v) == "null" {
				return nil, fmt.Errorf("%s is null", name)
			}
			mine[name] = v
			delete(all, name)
		}
	}
	known, err := json.Marshal(mine)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(known, into); err != nil {
		return nil, plainError(err)
	}
	if len(all) == 0 {
		all = nil
	}
	return all, nil
}

// plainError says what is wrong with a value without naming the types of this program.
func plainError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s is a %s where something else belongs, or out of range", wrong.Field, wrong.Value)
	}
	return err
}

// join encodes the struct at known together with the members that are not of it.
func join(known any, extra Members) ([]byte, error) {
	doc, err := encodeJSON(known)
	if err != nil || len(extra) == 0 {
		return doc, err
	}
	rest, err := encodeJSON(extra)
	if err != nil {
		return nil, err
	}
	if len(doc) > len("{}") {
		doc[len(doc)-1] = ','
	} else {
		doc = doc[:len(doc)-1]
	}
	return append(doc, rest[1:]...), nil
}

// encodeJSON encodes without the escapes that are for web pages.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// Number is a 64-bit number, which the format writes as a string of digits.
type Number uint64

// UnmarshalJSON reads digits only.
func (n *Number) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("a 64-bit number has to be a string")
	}
	v, err := decimal(s)
	*n = Number(v)
	return err
}

// MarshalJSON writes digits in a string.
func (n Number) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatUint(uint64(n), 10)), nil
}

// decimal parses digits.
func decimal(s string) (uint64, error) {
	if s == "" || len(s) > 20 {
		return 0, fmt.Errorf("%q is no decimal number", clip(s))
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("%q is no decimal number", clip(s))
		}
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s does not fit 64 bits", s)
	}
	return n, nil
}

// IDs are the numbers of objects, which the format writes as strings of digits.
type IDs []int

// UnmarshalJSON reads an array of strings.
func (l *IDs) UnmarshalJSON(b []byte) error {
	var words []string
	if err := json.Unmarshal(b, &words); err != nil {
		return errors.New("it is no list of strings")
	}
	*l = make(IDs, 0, len(words))
	for _, w := range words {
		id, err := parseID(w)
		if err != nil {
			return err
		}
		*l = append(*l, id)
	}
	return nil
}

// MarshalJSON writes an array of strings.
func (l IDs) MarshalJSON() ([]byte, error) {
	words := make([]string, len(l))
	for i, id := range l {
		words[i] = strconv.Itoa(id)
	}
	return json.Marshal(words)
}

// parseID reads the number of an object: digits without leading zeros.
func parseID(s string) (int, error) {
	id, err := decimal(s)
	if err != nil || strconv.FormatUint(id, 10) != s || id > 1<<30 {
		return 0, fmt.Errorf("%q is no number of an object", clip(s))
	}
	return int(id), nil
}

// objects decodes an object whose members are numbered objects.
func objects[T any](doc json.RawMessage) (map[int]*T, error) {
	var all Members
	if err := json.Unmarshal(doc, &all); err != nil || all == nil {
		return nil, errors.New("it is no object")
	}
	list := make(map[int]*T, len(all))
	for name, v := range all {
		id, err := parseID(name)
		if err != nil {
			return nil, err
		}
		o := new(T)
		if err := json.Unmarshal(v, o); err != nil {
			return nil, fmt.Errorf("%d: %w", id, plainError(err))
		}
		if string(v) == "null" {
			return nil, fmt.Errorf("%d is null", id)
		}
		list[id] = o
	}
	if len(list) > maxCount {
		return nil, fmt.Errorf("%d objects: at most %d", len(list), maxCount)
	}
	return list, nil
}

// clip shortens what an error repeats.
func clip(s string) string {
	const most = 64
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
