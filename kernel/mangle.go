package kernel

import (
	"fmt"
	"strings"
)

// Mangling says how names and UUIDs are written to the kernel, which takes any bytes, while
// udev does not. A mangled byte is \x and two hexadecimal digits (dmsetup(8), --manglename).
type Mangling int

// The ways of mangling.
const (
	MangleAuto Mangling = iota // mangle what is not mangled yet; refuse a mixture
	MangleNone                 // bytes as they are, also when names are read
	MangleHex                  // mangle always, backslashes too
)

// Limits of the kernel in bytes, without NUL.
const (
	maxName = 127
	maxUUID = 128
)

const hexDigits = "0123456789abcdef"

// Mangle is the name as the kernel gets it. Bytes outside 0-9 A-Z a-z # + - . : = @ _ are
// mangled. With MangleAuto a name that is mangled already stays as it is; one that mixes both,
// that is mangled twice (\x5cx…), or has \x without two digits behind it, is ErrInvalid.
func Mangle(name string, m Mangling) (string, error) {
	if m == MangleNone {
		return name, nil
	}
	var b strings.Builder
	mangled, changed := false, false
	for i := 0; i < len(name); i++ {
		switch {
		case isPlain(name[i]):
			b.WriteByte(name[i])
		case m == MangleAuto && isMangled(name[i:]):
			mangled = true
			b.WriteString(name[i : i+4])
			i += 3
		case m == MangleAuto && strings.HasPrefix(name[i:], `\x`):
			return "", fmt.Errorf(`%w: %q has \x without two hexadecimal digits`, ErrInvalid, name)
		default:
			changed = true
			b.WriteString(`\x`)
			b.WriteByte(hexDigits[name[i]>>4])
			b.WriteByte(hexDigits[name[i]&15])
		}
	}
	if mangled && changed {
		return "", fmt.Errorf(`%w: %q mixes \xNN and characters that need it`, ErrInvalid, name)
	}
	if mangled && strings.Contains(name, `\x5cx`) {
		return "", fmt.Errorf(`%w: %q is mangled twice`, ErrInvalid, name)
	}
	return b.String(), nil
}

// isPlain reports whether udev takes c in the name of a link.
func isPlain(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte("#+-.:=@_", c) >= 0
}

// isMangled reports whether s begins with \xNN.
func isMangled(s string) bool {
	return len(s) >= 4 && s[0] == '\\' && s[1] == 'x' && hexValue(s[2]) >= 0 && hexValue(s[3]) >= 0
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// Unmangle is the name as people read it.
func Unmangle(name string) string {
	if !strings.Contains(name, `\x`) {
		return name
	}
	b := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if !isMangled(name[i:]) {
			b = append(b, name[i])
			continue
		}
		b = append(b, byte(hexValue(name[i+2])<<4|hexValue(name[i+3])))
		i += 3
	}
	return string(b)
}

// display is a name or UUID of the kernel as this Control shows it.
func (c *Control) display(name string) string {
	if c.options.Mangling == MangleNone {
		return name
	}
	return Unmangle(name)
}

// kernelName checks a name and mangles it. The rules are the kernel's, which says no more
// than "invalid argument".
func (c *Control) kernelName(name string) (string, error) {
	if strings.IndexByte(name, '/') >= 0 {
		return "", fmt.Errorf("%w: a name cannot hold a slash", ErrInvalid)
	}
	mangled, err := c.mangled("name", name, maxName)
	if err != nil {
		return "", err
	}
	switch mangled {
	case "control", ".", "..":
		return "", fmt.Errorf("%w: %q cannot be the name of a device", ErrInvalid, name)
	}
	return mangled, nil
}

// kernelUUID checks a UUID and mangles it.
func (c *Control) kernelUUID(uuid string) (string, error) { return c.mangled("UUID", uuid, maxUUID) }

func (c *Control) mangled(what, text string, limit int) (string, error) {
	if text == "" {
		return "", fmt.Errorf("%w: the %s is empty", ErrInvalid, what)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("%w: the %s holds a NUL", ErrInvalid, what)
	}
	mangled, err := Mangle(text, c.options.Mangling)
	if err != nil {
		return "", err
	}
	if len(mangled) > limit {
		return "", fmt.Errorf("%w: the %s has %d bytes, mangled %d; at most %d are possible", ErrInvalid, what, len(text), len(mangled), limit)
	}
	return mangled, nil
}
