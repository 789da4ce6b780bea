package crypt

import (
	"errors"
	"strings"
	"testing"
)

func TestParseSpec(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in          string
		api         string
		iv, options string
		keys        int
	}{
		{"aes-xts-plain64", "xts(aes)", "plain64", "", 0},
		{"aes-cbc-essiv:sha256", "cbc(aes)", "essiv", "sha256", 0},
		{"aes-cbc-essiv:sha3-256", "cbc(aes)", "essiv", "sha3-256", 0},
		{"aes", "cbc(aes)", "plain", "", 0},
		{"aes-plain", "cbc(aes)", "plain", "", 0},
		{"aes:2", "cbc(aes)", "plain", "", 2},
		{"aes-ecb", "ecb(aes)", "", "", 0},
		{"aes-ecb-plain64", "ecb(aes)", "plain64", "", 0},
		{"cipher_null-ecb", "ecb(cipher_null)", "", "", 0},
		{"aes:64-cbc-lmk", "cbc(aes)", "lmk", "", 64},
		{"aes:1-cbc-plain", "cbc(aes)", "plain", "", 1},
		{"aes-cbc-tcw", "cbc(aes)", "tcw", "", 0},
		{"des3_ede-cbc-plain64", "cbc(des3_ede)", "plain64", "", 0},
		{"xchacha12,aes-adiantum-plain64", "adiantum(xchacha12,aes)", "plain64", "", 0},
		{"aes-hctr2-plain64", "hctr2(aes)", "plain64", "", 0},
		{"aes-plain-plain", "plain(aes)", "plain", "", 0},
		{"capi:xts(aes)-plain64", "xts(aes)", "plain64", "", 0},
		{"capi:cbc(aes)-essiv:sha256", "cbc(aes)", "essiv", "sha256", 0},
		{"capi:cbc(aes)-essiv:sha3-256", "cbc(aes)", "essiv", "sha3-256", 0},
		{"capi:essiv(cbc(aes),sha256)-plain64", "essiv(cbc(aes),sha256)", "plain64", "", 0},
		{"capi:ecb(aes)", "ecb(aes)", "", "", 0},
		{"capi:xts-aes-aesni-plain64", "xts-aes-aesni", "plain64", "", 0},
		{"capi:authenc(hmac(sha256),xts(aes))-random", "authenc(hmac(sha256),xts(aes))", "random", "", 0},
		{"capi:rfc7539(chacha20,poly1305)-random", "rfc7539(chacha20,poly1305)", "random", "", 0},
		{"capi:adiantum(xchacha12,aes)-plain64", "adiantum(xchacha12,aes)", "plain64", "", 0},
	}
	for _, test := range tests {
		t.Run(test.in, func(t *testing.T) {
			t.Parallel()
			spec, err := ParseSpec(test.in)
			if err != nil {
				t.Fatalf("ParseSpec(%q): %v", test.in, err)
			}
			if got := spec.String(); got != test.in {
				t.Errorf("ParseSpec(%q).String() = %q", test.in, got)
			}
			if got := spec.APIName(); got != test.api {
				t.Errorf("ParseSpec(%q).APIName() = %q, want %q", test.in, got, test.api)
			}
			if iv, options := spec.IVMode(); iv != test.iv || options != test.options {
				t.Errorf("ParseSpec(%q).IVMode() = %q, %q, want %q, %q", test.in, iv, options, test.iv, test.options)
			}
			if spec.KeyCount != test.keys {
				t.Errorf("ParseSpec(%q).KeyCount = %d, want %d", test.in, spec.KeyCount, test.keys)
			}
		})
	}
}

// TestParseSpecDropsEmptyOptions: a colon with nothing behind it says nothing.
func TestParseSpecDropsEmptyOptions(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"aes-xts-plain64:":       "aes-xts-plain64",
		"capi:xts(aes)-plain64:": "capi:xts(aes)-plain64",
	} {
		spec, err := ParseSpec(in)
		if err != nil || spec.String() != want {
			t.Errorf("ParseSpec(%q) = %q, %v, want %q", in, spec, err, want)
		}
	}
}

// badSpecs are specifications that no kernel loads, with a word the error has
// to contain.
var badSpecs = []struct{ in, detail string }{
	{"", "empty cipher"},
	{"-", "empty cipher"},
	{"-xts-plain64", "empty cipher"},
	{":2-cbc-plain", "empty cipher"},
	{"aes-", "empty chaining mode"},
	{"aes--plain64", "empty chaining mode"},
	{"aes-xts-", "empty iv mode"},
	{"aes-xts-:sha256", "empty iv mode"},
	{"aes-xts", "needs an iv mode"},
	{"aes-cbc", "needs an iv mode"},
	{"aes-plain64", "needs an iv mode"},
	{"aes-ecb:x", "options without an iv mode"},
	{"aes:0-cbc-plain", "power of two"},
	{"aes:3-cbc-plain", "power of two"},
	{"aes:-cbc-plain", "not a number"},
	{"aes:x-cbc-plain", "not a number"},
	{"aes:+2-cbc-plain", "not a number"},
	{"aes:2x-cbc-plain", "not a number"},
	{"aes:99999999999999999999-cbc-plain", "not a number"},
	{"aes:4294967296-cbc-plain", "not a number"},
	{"xts(aes)-plain64", "parentheses"},
	{"aes-xts(aes)-plain64", "parentheses"},
	{"aes,-adiantum-plain64", "empty name"},
	{"aes-x,y-plain64", "after the algorithm name"},
	{"aes xts plain64", "character ' '"},
	{"aes-xts-plain64\n", `character '\n'`},
	{"aes-xts-plain64\x00", `character '\x00'`},
	{"a\xffes", "character"},
	{"capi:", "empty algorithm name"},
	{"capi:-plain64", "empty algorithm name"},
	{"capi:xts(aes)-", "empty iv mode"},
	{"capi:xts(aes)-:sha256", "empty iv mode"},
	{"capi:xts(aes):sha256", "options without an iv mode"},
	{"capi:xts(aes-plain64", "unclosed parenthesis"},
	{"capi:xts(aes))-plain64", "after the algorithm name"},
	{"capi:xts()-plain64", "empty name"},
	{"capi:xts(aes)x-plain64", "after the algorithm name"},
	{"capi:(aes)-plain64", "empty name"},
	{"capi:a:b-plain64:c", "colon"},
	{"capi:a-b::", "colon in the iv mode"},
	{"capi:" + strings.Repeat("a(", 20) + "b" + strings.Repeat(")", 20) + "-plain64", "nested too deeply"},
	{strings.Repeat("a", maxSpecLength+1), "bytes long"},
}

func TestParseSpecRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range badSpecs {
		spec, err := ParseSpec(test.in)
		if !errors.Is(err, ErrSpec) || !strings.Contains(err.Error(), test.detail) {
			t.Errorf("ParseSpec(%q) = %+v, %v, want ErrSpec with %q", test.in, spec, err, test.detail)
		}
		if _, err := NewCipher(Config{Spec: test.in, Key: make([]byte, 32)}); !errors.Is(err, ErrSpec) {
			t.Errorf("NewCipher(%q) = %v, want ErrSpec", test.in, err)
		}
	}
}

func FuzzParseSpec(f *testing.F) {
	for _, test := range badSpecs {
		f.Add(test.in)
	}
	for _, s := range []string{
		"aes-xts-plain64", "aes", "aes:64-cbc-lmk", "aes-cbc-essiv:sha256", "cipher_null-ecb",
		"capi:essiv(cbc(aes),sha256)-plain64", "capi:authenc(hmac(sha256),xts(aes))-random",
		"xchacha12,aes-adiantum-plain64", "capi:cbc(aes)-essiv:sha3-256", "aes-cbc-tcw", "aes:2-cbc-elephant",
		"capi:essiv(pcbc(aes),sha256)-eboiv", "capi:cbc(aes)-lmk", "aes:16-cbc-lmk",
		"serpent-xts-plain64", "camellia-cbc-eboiv", "sm4-xctr-benbi", "aria-hctr2-plain64be", "cast6-ofb-null",
		"cast5:2-cfb-plain", "cipher_null:2-pcbc-plain", "capi:cts(cbc(des))-tcw", "xchacha20,aes:2-adiantum-null",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		spec, err := ParseSpec(s)
		if err != nil {
			if !errors.Is(err, ErrSpec) {
				t.Fatalf("ParseSpec(%q): %v does not wrap ErrSpec", s, err)
			}
			return
		}
		text := spec.String()
		again, err := ParseSpec(text)
		if err != nil || again != spec {
			t.Fatalf("ParseSpec(%q) = %+v, but of its String %q: %+v, %v", s, spec, text, again, err)
		}
		for _, size := range []int{0, 5, 8, 16, 32, 34, 48, 64, 408, 1024, 1040} {
			c, err := NewCipher(Config{Spec: s, Key: make([]byte, size)})
			if err != nil {
				continue
			}
			in := make([]byte, 1024)
			out := make([]byte, 1024)
			c.EncryptSectors(out, in, ^uint64(0))
			c.DecryptSectors(out, out, ^uint64(0))
			if firstDifference(in, out) >= 0 {
				t.Fatalf("%q with a %d-byte key: decryption is not the inverse", s, size)
			}
		}
	})
}
