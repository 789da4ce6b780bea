package luks

import (
	"fmt"
)

// AnyToken as the number of a token means the first one that is free.
const AnyToken = -1

// SetToken puts a token of LUKS2, of which the Editor keeps nothing, under a number, in place
// of what was there, and returns the number; a nil token removes. A token is for the key slots
// that it names, which must be in use. Errors wrap [ErrOption], [ErrNoRoom], or
// [ErrUnsupported] for LUKS1.
func (e *Editor) SetToken(id int, t *Token) (int, error) {
	err := e.change(func(next *Header) (err error) {
		if next.Version == 1 {
			return fmt.Errorf("LUKS1 has no tokens: %w", ErrUnsupported)
		}
		id, err = next.V2.setToken(id, t)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("luks: changing a token: %w", err)
	}
	return id, nil
}

func (h *Header2) setToken(id int, t *Token) (int, error) {
	m := h.Metadata
	if id == AnyToken && t != nil {
		for id = 0; m.Tokens[id] != nil; id++ {
		}
		if id >= slots2 {
			return 0, fmt.Errorf("all %d tokens are in use: %w", slots2, ErrNoRoom)
		}
	}
	switch {
	case id < 0 || id >= slots2:
		return 0, option("token %d: want 0 to %d", id, slots2-1)
	case t == nil:
		delete(m.Tokens, id)
		return id, nil
	}
	for _, slot := range t.Keyslots {
		if m.Keyslots[slot] == nil {
			return 0, option("token for key slot %d, which is not in use", slot)
		}
	}
	if t.Type == "" {
		return 0, option("token without a type")
	}
	if m.Tokens == nil {
		m.Tokens = make(map[int]*Token)
	}
	m.Tokens[id] = t
	doc, err := m.MarshalJSON()
	if err != nil {
		return 0, err
	}
	if _, err := ParseMetadata(doc, h.Size); err != nil {
		return 0, fmt.Errorf("%w: %w", ErrOption, err) // what no program would read again
	}
	return id, nil
}
