package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/verity/signature"
)

func TestParseKey(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edDER, err := x509.MarshalPKCS8PrivateKey(ed)
	if err != nil {
		t.Fatal(err)
	}
	p256 := file(t, "p256.key")
	parameters := "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
	damaged := bytes.Replace(p256, []byte("MI"), []byte("MJ"), 1)
	for name, c := range map[string]struct {
		text []byte
		cert string // whose key it is
		want error
	}{
		"PKCS#8 RSA":           {file(t, "rsa2048.key"), "rsa2048", nil},
		"PKCS#1":               {file(t, "rsa2048.pkcs1.key"), "rsa2048", nil},
		"PKCS#8 ECDSA":         {p256, "p256", nil},
		"SEC 1":                {file(t, "p256.sec1.key"), "p256", nil},
		"SEC 1 and parameters": {slices.Concat([]byte(parameters), file(t, "p256.sec1.key")), "p256", nil},
		"with its certificate": {slices.Concat(file(t, "p256.crt"), p256), "p256", nil},
		"encrypted":            {file(t, "p256.encrypted.key"), "", signature.ErrEncrypted},
		"encrypted as of old":  {file(t, "p256.legacy.key"), "", signature.ErrEncrypted},
		"two keys":             {slices.Concat(p256, file(t, "rsa2048.key")), "", signature.ErrMalformed},
		"damaged":              {damaged, "", signature.ErrMalformed},
		"a certificate":        {file(t, "p256.crt"), "", signature.ErrMalformed},
		"nothing":              {nil, "", signature.ErrMalformed},
		"Ed25519":              {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: edDER}), "", signature.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := signature.ParseKey(c.text)
			if !errors.Is(err, c.want) {
				t.Fatalf("ParseKey: %v, want %v", err, c.want)
			}
			if c.want != nil {
				if k != nil || strings.Contains(err.Error(), "asn1") {
					t.Errorf("ParseKey: a key next to %v, or words from inside it", err)
				}
				return
			}
			if public := cert(t, c.cert).PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !public.Equal(k.Public()) {
				t.Errorf("ParseKey: not the key of %s", c.cert)
			}
		})
	}
}

func TestWipe(t *testing.T) {
	t.Parallel()
	r, e := key(t, "rsa2048").(*rsa.PrivateKey), key(t, "p256").(*ecdsa.PrivateKey)
	signature.Wipe(r)
	signature.Wipe(e)
	//lint:ignore SA1019 only looked at
	for i, n := range append(slices.Clone(r.Primes), r.D, r.Precomputed.Dp, e.D) {
		for _, word := range n.Bits() {
			if word != 0 {
				t.Errorf("number %d is still there after Wipe", i)
			}
		}
	}
	signature.Wipe(nil)
}

func TestParseCertificates(t *testing.T) {
	t.Parallel()
	p256 := cert(t, "p256")
	for name, c := range map[string]struct {
		b    []byte
		want int // certificates; 0 for an error
	}{
		"PEM":            {file(t, "p256.crt"), 1},
		"DER":            {p256.Raw, 1},
		"several":        {slices.Concat(file(t, "p256.crt"), []byte("text between\n"), file(t, "ca.crt")), 2},
		"behind a key":   {slices.Concat(file(t, "p256.key"), file(t, "p256.crt")), 1},
		"a key only":     {file(t, "p256.key"), 0},
		"nothing":        {nil, 0},
		"damaged":        {bytes.Replace(file(t, "p256.crt"), []byte("MII"), []byte("MIJ"), 1), 0},
		"DER and a byte": {append(slices.Clone(p256.Raw), 0), 0},
	} {
		list, err := signature.ParseCertificates(c.b)
		if len(list) != c.want || (c.want == 0) != errors.Is(err, signature.ErrMalformed) {
			t.Errorf("%s: ParseCertificates = %d, %v, want %d", name, len(list), err, c.want)
		}
	}
}
