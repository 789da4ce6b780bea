package crypt

import (
	"fmt"
	"strconv"
	"strings"
)

// maxSpecLength bounds a specification in bytes. The kernel's crypto API cuts
// algorithm names at 128 bytes, so nothing that loads is longer than this.
const maxSpecLength = 256

// capiPrefix starts the form that names a kernel crypto API algorithm.
const capiPrefix = "capi:"

// Spec is a parsed cipher specification, the first word of a crypt table line.
// Two forms exist (kernel document dm-crypt, parameter <cipher>):
//
//	cipher[:keycount]-chain[-iv[:options]]    aes-xts-plain64, aes:64-cbc-lmk
//	capi:api-name[-iv[:options]]              capi:cbc(aes)-essiv:sha256
//
// The fields hold the words as they were spelled, so that String gives the
// same text back; APIName and IVMode give what they mean.
type Spec struct {
	CAPI      bool   // the capi: form
	Cipher    string // "aes"; in the capi: form the whole API name, "xts(aes)"
	KeyCount  int    // number of keys after the colon; 0 when none is given
	Chain     string // "xts"; empty in the capi: form and in a bare "aes"
	IV        string // "plain64"; empty when none is given
	IVOptions string // "sha256"; empty when none is given
}

// ParseSpec reads a cipher specification. It accepts every specification whose
// form the kernel accepts, whether or not [NewCipher] supports the cipher. It
// checks what the kernel checks on the words themselves: the key count is a
// power of two, parentheses occur in the capi: form only, and an IV mode may
// be left out with chain ecb and in the short forms "aes" and "aes-plain"
// only. Errors wrap [ErrSpec].
func ParseSpec(s string) (Spec, error) {
	if len(s) > maxSpecLength {
		return Spec{}, fmt.Errorf("crypt: parsing cipher spec: %d bytes long, at most %d: %w", len(s), maxSpecLength, ErrSpec)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }); i >= 0 {
		return Spec{}, specError(s, fmt.Sprintf("character %q at byte %d", s[i], i))
	}
	if name, ok := strings.CutPrefix(s, capiPrefix); ok {
		return parseCAPI(s, name)
	}
	return parseChained(s)
}

// parseCAPI splits name, the part after "capi:": the options at the last
// colon, then the IV mode at the last dash, as the kernel does.
func parseCAPI(s, name string) (Spec, error) {
	spec := Spec{CAPI: true, Cipher: name}
	if i := strings.LastIndexByte(spec.Cipher, ':'); i >= 0 {
		spec.Cipher, spec.IVOptions = spec.Cipher[:i], spec.Cipher[i+1:]
		if !strings.Contains(spec.Cipher, "-") {
			return Spec{}, specError(s, "iv options without an iv mode")
		}
	}
	if i := strings.LastIndexByte(spec.Cipher, '-'); i >= 0 {
		spec.Cipher, spec.IV = spec.Cipher[:i], spec.Cipher[i+1:]
		switch {
		case spec.IV == "":
			return Spec{}, specError(s, "empty iv mode")
		case strings.Contains(spec.IV, ":"):
			return Spec{}, specError(s, "colon in the iv mode")
		}
	}
	if spec.Cipher == "" {
		return Spec{}, specError(s, "empty algorithm name")
	}
	if _, err := parseAPIName(spec.Cipher); err != nil {
		return Spec{}, specError(s, err.Error())
	}
	return spec, nil
}

// parseChained splits the form cipher[:keycount]-chain[-iv[:options]].
func parseChained(s string) (Spec, error) {
	cipherWord, rest, hasChain := strings.Cut(s, "-")
	chain, ivWord, hasIV := strings.Cut(rest, "-")
	spec := Spec{Chain: chain}
	spec.IV, spec.IVOptions, _ = strings.Cut(ivWord, ":")

	cipherName, count, hasCount := strings.Cut(cipherWord, ":")
	spec.Cipher = cipherName
	if hasCount {
		n, err := parseKeyCount(count)
		if err != nil {
			return Spec{}, specError(s, err.Error())
		}
		spec.KeyCount = n
	}
	switch {
	case spec.Cipher == "":
		return Spec{}, specError(s, "empty cipher name")
	case strings.ContainsAny(spec.Cipher+spec.Chain, "()"):
		return Spec{}, specError(s, "parentheses outside the capi: form")
	case strings.Contains(spec.Chain, ":"):
		return Spec{}, specError(s, "options without an iv mode")
	case hasChain && spec.Chain == "":
		return Spec{}, specError(s, "empty chaining mode")
	case hasIV && spec.IV == "":
		return Spec{}, specError(s, "empty iv mode")
	case hasChain && !hasIV && spec.Chain != "ecb" && spec.Chain != "plain":
		return Spec{}, specError(s, fmt.Sprintf("chaining mode %q needs an iv mode", spec.Chain))
	}
	if _, err := parseAPIName(spec.APIName()); err != nil {
		return Spec{}, specError(s, err.Error())
	}
	return spec, nil
}

// parseKeyCount reads the number of keys: decimal, a power of two.
func parseKeyCount(word string) (int, error) {
	n, err := strconv.ParseUint(word, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("key count %q is not a number", word)
	}
	if n == 0 || n&(n-1) != 0 {
		return 0, fmt.Errorf("key count %d is not a power of two", n)
	}
	return int(n), nil
}

// String returns the specification in the form it was written, such as
// "aes-xts-plain64".
func (s Spec) String() string {
	var b strings.Builder
	if s.CAPI {
		b.WriteString(capiPrefix)
	}
	b.WriteString(s.Cipher)
	if s.KeyCount > 0 {
		b.WriteString(":" + strconv.Itoa(s.KeyCount))
	}
	if s.Chain != "" {
		b.WriteString("-" + s.Chain)
	}
	if s.IV != "" {
		b.WriteString("-" + s.IV)
	}
	if s.IVOptions != "" {
		b.WriteString(":" + s.IVOptions)
	}
	return b.String()
}

// APIName returns the name of the algorithm in the kernel's crypto API, such
// as "xts(aes)". The short forms "aes" and "aes-plain" mean cbc.
func (s Spec) APIName() string {
	switch {
	case s.CAPI:
		return s.Cipher
	case s.isShort():
		return "cbc(" + s.Cipher + ")"
	}
	return s.Chain + "(" + s.Cipher + ")"
}

// IVMode returns the IV generator and its options, such as "essiv" and
// "sha256". The short forms "aes" and "aes-plain" mean plain; both results are
// empty when no IV mode is given.
func (s Spec) IVMode() (name, options string) {
	if s.isShort() {
		return "plain", ""
	}
	return s.IV, s.IVOptions
}

// isShort reports whether s is a bare cipher or cipher-plain, the notation of
// the first kernels that had dm-crypt.
func (s Spec) isShort() bool {
	return !s.CAPI && s.IV == "" && (s.Chain == "" || s.Chain == "plain")
}

func specError(s, detail string) error {
	return fmt.Errorf("crypt: parsing cipher spec %q: %s: %w", s, detail, ErrSpec)
}
