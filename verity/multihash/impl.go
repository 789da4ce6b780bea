package multihash

import (
	"fmt"
	"slices"
	"strings"
)

// impl names one way to compute a function.
type impl uint8

const (
	implGeneric   impl = iota // the standard library block after block, the judge of the others
	implSHANI2                // x86 SHA extensions, two messages in flight
	implSHANI4                // x86 SHA extensions, four messages in flight, AVX-512 for its registers
	implSHA2x2                // SHA-2 instructions of ARMv8, two messages in flight
	implAVX2x8                // 8 messages as lanes of 256-bit registers
	implAVX512x8              // 8 messages of SHA-512 as lanes of 512-bit registers
	implAVX512x16             // 16 messages as lanes of 512-bit registers
)

var implNames = [...]string{
	implGeneric:   "generic",
	implSHANI2:    "shani2",
	implSHANI4:    "shani4",
	implSHA2x2:    "sha2x2",
	implAVX2x8:    "avx2x8",
	implAVX512x8:  "avx512x8",
	implAVX512x16: "avx512x16",
}

func (i impl) String() string { return implNames[i] }

// available returns the implementations this machine can run, best first. The
// generic one is always there, and last.
func (f *function) available() []impl { return append(f.fast(), implGeneric) }

// from returns the implementations in assembly from i on.
func (f *function) from(i impl) []impl {
	fast := f.fast()
	if at := slices.Index(fast, i); at >= 0 {
		return fast[at:]
	}
	return nil
}

func (f *function) names() []string {
	var names []string
	for _, i := range f.available() {
		names = append(names, i.String())
	}
	return names
}

func (f *function) lookup(name string) (impl, error) {
	for _, i := range f.available() {
		if i.String() == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("multihash: implementation %q of %s is not one of those that work here: %s",
		name, f.name, strings.Join(f.names(), ", "))
}
