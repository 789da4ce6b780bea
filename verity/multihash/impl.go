package multihash

import (
	"fmt"
	"strings"
)

// impl names one way to compute the same function.
type impl uint8

const (
	implGeneric impl = iota // crypto/sha256 block after block, the judge of the others
	implSHANI2              // x86 SHA extensions, two messages in flight
	implSHANI3              // x86 SHA extensions, three messages in flight
)

var implNames = [...]string{
	implGeneric: "generic",
	implSHANI2:  "shani2",
	implSHANI3:  "shani3",
}

func (i impl) String() string { return implNames[i] }

// available returns the implementations this machine can run, best first. The
// generic one is always there, and last.
func available() []impl {
	return append(archImpls(), implGeneric)
}

// Implementations returns the names of the implementations that work on this
// machine, best first by a fixed rule for each kind of processor. The last is
// always "generic", crypto/sha256 block after block.
func Implementations() []string {
	impls := available()
	names := make([]string, len(impls))
	for i, impl := range impls {
		names[i] = impl.String()
	}
	return names
}

func lookup(name string) (impl, error) {
	for _, i := range available() {
		if i.String() == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("multihash: implementation %q is not one of those that work here: %s",
		name, strings.Join(Implementations(), ", "))
}
