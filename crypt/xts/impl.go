package xts

import (
	"fmt"
	"strings"
)

// impl names one way to compute the same function.
type impl uint8

const (
	implGeneric impl = iota // plain Go over crypto/aes, the judge of the others
	implAESNI               // AES instructions of x86, eight blocks in flight
	implVAES256             // AES on registers of 256 bits, with AVX2
	implVAES512             // AES on registers of 512 bits, AVX-512 for the tweaks
	implARMv8               // AES instructions of ARMv8, eight blocks in flight
)

var implNames = [...]string{
	implGeneric: "generic",
	implAESNI:   "aesni",
	implVAES256: "vaes256",
	implVAES512: "vaes512",
	implARMv8:   "armv8",
}

func (i impl) String() string { return implNames[i] }

// available returns the implementations that work on this machine, best first. The
// generic one is always there, and last. The slice is shared: it is not to be changed.
func available() []impl { return usable() }

// Implementations returns the names of the implementations that work on this
// machine, best first. The last is always "generic", plain Go over crypto/aes.
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
	return 0, fmt.Errorf("xts: implementation %q is not one of those that work here: %s",
		name, strings.Join(Implementations(), ", "))
}
