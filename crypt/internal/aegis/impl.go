package aegis

// impl names one way to compute the same function.
type impl uint8

const (
	implGeneric impl = iota // plain Go on bit planes, the judge of the other
	implAESNI               // AES instructions of x86, with AVX
)

var implNames = [...]string{implGeneric: "generic", implAESNI: "aesni"}

func (i impl) String() string { return implNames[i] }

// available returns the implementations this machine can run, best first. The
// generic one is always there, and last.
func available() []impl { return append(archImpls(), implGeneric) }

// Implementation returns the name of what New takes on this machine.
func Implementation() string { return available()[0].String() }
