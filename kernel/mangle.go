package kernel

// Mangling says how names and UUIDs are written to the kernel, which takes any bytes, while
// udev does not. A mangled byte is \x and two hexadecimal digits (dmsetup(8), --manglename).
type Mangling int

// The ways of mangling.
const (
	MangleAuto Mangling = iota // mangle what is not mangled yet; refuse a mixture
	MangleNone                 // bytes as they are, also when names are read
	MangleHex                  // mangle always, backslashes too
)

// Mangle is the name as the kernel gets it. Bytes outside 0-9 A-Z a-z # + - . : = @ _ are
// mangled. ErrInvalid for a name that MangleAuto finds half mangled or mangled twice.
func Mangle(name string, m Mangling) (string, error) { return name, nil }

// Unmangle is the name as people read it.
func Unmangle(name string) string { return name }
