package stack

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// env is the volume.Env of one device.
type env struct {
	set   *set
	depth int
}

// Backend returns the file or device that a word of the table means.
func (e *env) Backend(word string) (volume.Backend, error) {
	n, path, err := e.set.resolve(word)
	if err != nil {
		return nil, err
	}
	if n == nil {
		b, err := e.set.pool.Backend(path)
		if err != nil && path != word {
			err = fmt.Errorf("%q: %w", word, err)
		}
		return b, err
	}
	m, err := e.set.open(n, e.depth+1)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Key returns the payload of a keyring key.
func (e *env) Key(id string) ([]byte, error) { return e.set.pool.Key(id) }

// number is a device word of the kernel's output.
var number = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

// resolve says what a device word means: a device of the set, or a path.
func (s *set) resolve(word string) (*node, string, error) {
	if to, ok := s.o.Map[word]; ok {
		name, isDevice := strings.CutPrefix(to, "@")
		if !isDevice {
			return nil, to, nil
		}
		if n := s.byName[name]; n != nil {
			return n, "", nil
		}
		return nil, "", fmt.Errorf("device %q is mapped to device %q of the table: %w", word, name, volume.ErrNoDevice)
	}
	if name, ok := strings.CutPrefix(word, "/dev/mapper/"); ok && name != "" {
		if n := s.byName[name]; n != nil {
			return n, "", nil
		}
		if n := s.byName[unmangle(name)]; n != nil {
			return n, "", nil
		}
	}
	if s.o.Open == nil && number.MatchString(word) {
		return nil, "", fmt.Errorf("device %q, a number on the machine that the table is from, is not mapped to anything: %w", word, volume.ErrNoDevice)
	}
	return nil, word, nil
}

// unmangle undoes the \xHH that libdevmapper writes for bytes a file name
// should not have.
func unmangle(name string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(name, `\x`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if len(rest) >= 2 {
			if c, err := strconv.ParseUint(rest[:2], 16, 8); err == nil {
				b.WriteByte(byte(c))
				name = rest[2:]
				continue
			}
		}
		b.WriteString(`\x`)
		name = rest
	}
}

// top finds the device to open.
func (s *set) top(name string) (*node, error) {
	if name != "" {
		if n := s.byName[name]; n != nil {
			return n, nil
		}
		return nil, fmt.Errorf("stack: the table has no device %q, only %s: %w", name, s.names(), volume.ErrNoDevice)
	}
	if len(s.nodes) == 0 {
		return nil, errors.New("stack: no devices")
	}
	used := make(map[*node]bool)
	for _, n := range s.nodes {
		for _, t := range n.device.Tables {
			for _, word := range tables.Devices(t) {
				if under, _, err := s.resolve(word); err == nil && under != nil {
					used[under] = true
				}
			}
		}
	}
	for i := len(s.nodes) - 1; i >= 0; i-- {
		if !used[s.nodes[i]] {
			return s.nodes[i], nil
		}
	}
	return nil, fmt.Errorf("stack: %s: %w", s.names(), volume.ErrLoop)
}

// names lists the devices, for errors.
func (s *set) names() string {
	const most = 8
	var list []string
	for i, n := range s.nodes {
		if i == most {
			list = append(list, "…")
			break
		}
		list = append(list, strconv.Quote(n.device.Name))
	}
	return strings.Join(list, ", ")
}
