package signature_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/verity/signature"
)

// What openssl smime and openssl cms make, in all shapes that a kernel takes.
func TestVerifyOpenSSL(t *testing.T) {
	t.Parallel()
	for file_, signers := range map[string][]string{
		"rsa2048": {"rsa2048"}, "rsa3072": {"rsa3072"}, "p256": {"p256"}, "p384": {"p384"}, "leaf": {"leaf"},
		"sha384": {"rsa2048"}, "sha512": {"rsa2048"}, "certs": {"rsa2048"}, "cms": {"rsa2048"}, "keyid": {"rsa2048"},
		"attributes": {"p256"}, "attributes-keyid": {"p384"}, "chain": {"leaf"},
	} {
		t.Run(file_, func(t *testing.T) {
			t.Parallel()
			der := file(t, file_+".p7s")
			if !signature.IsPKCS7(der) {
				t.Errorf("IsPKCS7(%s) = false", file_)
			}
			r, err := signature.Verify(der, rootHash(t), trust(cert(t, signers[0])))
			if err != nil {
				t.Fatalf("Verify(%s): %v", file_, err)
			}
			s := r.Signers[0]
			if len(r.Signers) != 1 || !s.Trusted || s.Err != nil || len(s.Chain) != 1 || !s.Certificate.Equal(cert(t, signers[0])) {
				t.Errorf("Verify(%s) = %+v, want %s trusted", file_, s, signers[0])
			}
			if s.Attributes != strings.HasPrefix(file_, "attributes") {
				t.Errorf("Verify(%s): Attributes = %t", file_, s.Attributes)
			}
			other := rootHash(t)
			other[31] ^= 1
			if _, err := signature.Verify(der, other, trust(cert(t, signers[0]))); !errors.Is(err, signature.ErrBadSignature) {
				t.Errorf("Verify(%s) over another root hash: %v, want ErrBadSignature", file_, err)
			}
			if _, err := signature.Verify(der, rootHash(t), trust(cert(t, "ca"))); file_ != "chain" && !errors.Is(err, signature.ErrUntrusted) {
				t.Errorf("Verify(%s) by another: %v, want ErrUntrusted", file_, err)
			}
			if _, err := signature.Verify(append(slices.Clone(der), 0), rootHash(t), trust(cert(t, signers[0]))); !errors.Is(err, signature.ErrMalformed) {
				t.Errorf("Verify(%s) with a trailing byte: %v, want ErrMalformed", file_, err)
			}
		})
	}
}

// Every byte of a signature matters, or changes nothing: no change makes it a
// signature by somebody else, and none makes the parser panic.
func TestVerifyDamaged(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rsa2048", "attributes", "certs", "keyid"} {
		der := file(t, name+".p7s")
		trusted := trust(cert(t, "rsa2048"), cert(t, "p256"))
		for i := range der {
			bad := slices.Clone(der)
			bad[i] ^= 1 << (i % 8)
			r, err := signature.Verify(bad, rootHash(t), trusted)
			if err == nil && !r.Signers[0].Trusted {
				t.Errorf("%s with byte %d changed to %#x: accepted without a trusted signer", name, i, bad[i])
			}
			if _, err := signature.Verify(der[:i], rootHash(t), trusted); !errors.Is(err, signature.ErrMalformed) {
				t.Errorf("%s cut off after %d bytes: %v, want ErrMalformed", name, i, err)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	der := file(t, "rsa2048.p7s")
	for name, c := range map[string]struct {
		der   []byte
		trust *x509.Certificate
		want  error
		text  string
	}{
		"nothing":                       {nil, cert(t, "rsa2048"), signature.ErrMalformed, "ends before"},
		"text":                          {[]byte("-----BEGIN PKCS7-----\n"), cert(t, "rsa2048"), signature.ErrMalformed, ""},
		"a certificate":                 {cert(t, "rsa2048").Raw, cert(t, "rsa2048"), signature.ErrMalformed, "not PKCS#7 signed data"},
		"certificates without a signer": {file(t, "degenerate.p7s"), cert(t, "rsa2048"), signature.ErrMalformed, "no signer"},
		"content inside":                {file(t, "content.p7s"), cert(t, "rsa2048"), signature.ErrMalformed, "carries its own content"},
		"content inside, in BER":        {file(t, "stream.p7s"), cert(t, "p256"), signature.ErrMalformed, "carries its own content"},
		"more than a mebibyte":          {append(slices.Clone(der), make([]byte, 1<<20)...), cert(t, "rsa2048"), signature.ErrMalformed, "at most 1048576"},
		"two of them":                   {append(slices.Clone(der), der...), cert(t, "rsa2048"), signature.ErrDamaged, "423 bytes follow its end"},
		"a zero too much":               {append(slices.Clone(der), 0), cert(t, "rsa2048"), signature.ErrDamaged, "1 bytes follow its end"},
		"cut off":                       {der[:400], cert(t, "rsa2048"), signature.ErrDamaged, "ends before"},
		"SHA-1":                         {file(t, "sha1.p7s"), cert(t, "rsa2048"), signature.ErrUnsupported, "1.3.14.3.2.26"},
		"over another hash":             {file(t, "other.p7s"), cert(t, "p256"), signature.ErrBadSignature, "signed by"},
		"over a newline too":            {file(t, "newline.p7s"), cert(t, "p256"), signature.ErrBadSignature, "and a newline"},
		"over a CR LF too":              {file(t, "crlf.p7s"), cert(t, "p256"), signature.ErrBadSignature, "and a CR LF"},
		"over upper case":               {file(t, "upper.p7s"), cert(t, "p256"), signature.ErrBadSignature, "in upper case,"},
		"over raw bytes":                {file(t, "raw.p7s"), cert(t, "p256"), signature.ErrBadSignature, "raw bytes"},
		"by nobody known":               {der, cert(t, "p256"), signature.ErrUntrusted, "serial number"},
		"by nobody known, by key":       {file(t, "keyid.p7s"), cert(t, "p256"), signature.ErrUntrusted, "key identifier"},
		"by its own certificate":        {file(t, "certs.p7s"), cert(t, "p256"), signature.ErrUntrusted, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := signature.Verify(c.der, rootHash(t), trust(c.trust))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Verify = %v, want %v with %q on one line", err, c.want, c.text)
			}
			if (r == nil) != errors.Is(err, signature.ErrMalformed) {
				t.Errorf("Verify = %+v, %v: a result exactly if the message was read", r, err)
			}
		})
	}
	if _, err := signature.Verify(der, []byte{1, 2, 3}, trust(cert(t, "rsa2048"))); !errors.Is(err, signature.ErrRootSize) {
		t.Errorf("Verify of a root hash of 3 bytes: %v, want ErrRootSize", err)
	}
	if _, err := signature.Verify(der, rootHash(t), signature.VerifyOptions{}); !errors.Is(err, signature.ErrUntrusted) {
		t.Errorf("Verify without trust: %v, want ErrUntrusted", err)
	}
}

// As in a kernel: unknown signers neither help nor harm, a wrong one harms.
func TestVerifySeveralSigners(t *testing.T) {
	t.Parallel()
	two := file(t, "two.p7s")
	wrong := bytes.Replace(two, file(t, "rsa2048.value"), make([]byte, 256), 1)
	if bytes.Equal(two, wrong) {
		t.Fatal("the value of the RSA signer was not found")
	}
	rsa, p256 := cert(t, "rsa2048"), cert(t, "p256")
	for name, c := range map[string]struct {
		der     []byte
		o       signature.VerifyOptions
		want    error
		trusted int
	}{
		"both trusted":                     {two, trust(rsa, p256), nil, 2},
		"one trusted":                      {two, trust(p256), nil, 1},
		"the other trusted":                {two, trust(rsa), nil, 1},
		"none trusted":                     {two, trust(cert(t, "ca")), signature.ErrUntrusted, 0},
		"none trusted, both known":         {two, signature.VerifyOptions{Certificates: []*x509.Certificate{rsa, p256}}, signature.ErrUntrusted, 0},
		"one trusted, the other is wrong":  {wrong, trust(rsa, p256), signature.ErrBadSignature, 1},
		"one trusted, wrong one is known":  {wrong, signature.VerifyOptions{Trusted: []*x509.Certificate{p256}, Certificates: []*x509.Certificate{rsa}}, signature.ErrBadSignature, 1},
		"one trusted, wrong one not known": {wrong, trust(p256), nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := signature.Verify(c.der, rootHash(t), c.o)
			if !errors.Is(err, c.want) || r == nil || len(r.Signers) != 2 {
				t.Fatalf("Verify = %+v, %v, want two signers and %v", r, err, c.want)
			}
			trusted := 0
			for _, s := range r.Signers {
				if s.Trusted != (s.Err == nil) {
					t.Errorf("signer %+v: Trusted and Err disagree", s)
				}
				if s.Trusted {
					trusted++
				}
			}
			if trusted != c.trusted {
				t.Errorf("%d trusted signers, want %d", trusted, c.trusted)
			}
		})
	}
}

func TestVerifyChain(t *testing.T) {
	t.Parallel()
	ca, leaf := cert(t, "ca"), cert(t, "leaf")
	pool := x509.NewCertPool()
	pool.AddCert(ca)
	early := leaf.NotBefore.Add(-time.Hour)
	late := leaf.NotAfter.Add(time.Hour)
	for name, c := range map[string]struct {
		file  string
		o     signature.VerifyOptions
		want  error
		chain int
	}{
		"certificate inside, CA trusted":         {"chain", trust(ca), nil, 2},
		"certificate inside, CA in a pool":       {"chain", signature.VerifyOptions{Roots: pool}, nil, 2},
		"certificate outside":                    {"leaf", signature.VerifyOptions{Trusted: []*x509.Certificate{ca}, Certificates: []*x509.Certificate{leaf}}, nil, 2},
		"certificate outside, in a pool":         {"leaf", signature.VerifyOptions{Roots: pool, Certificates: []*x509.Certificate{leaf}}, nil, 2},
		"certificate missing":                    {"leaf", trust(ca), signature.ErrUntrusted, 0},
		"another CA":                             {"chain", trust(cert(t, "p256")), signature.ErrUntrusted, 0},
		"leaf trusted by itself":                 {"leaf", trust(leaf), nil, 1},
		"CA only known, not trusted":             {"chain", signature.VerifyOptions{Certificates: []*x509.Certificate{ca}}, signature.ErrUntrusted, 0},
		"chain before its time":                  {"chain", signature.VerifyOptions{Roots: pool, Time: early}, signature.ErrUntrusted, 0},
		"chain after its time":                   {"chain", signature.VerifyOptions{Roots: pool, Time: late}, signature.ErrUntrusted, 0},
		"chain in its time":                      {"chain", signature.VerifyOptions{Roots: pool, Time: leaf.NotBefore}, nil, 2},
		"trusted leaf before its time":           {"leaf", signature.VerifyOptions{Trusted: []*x509.Certificate{leaf}, Time: early}, signature.ErrUntrusted, 0},
		"trusted leaf after its time":            {"leaf", signature.VerifyOptions{Trusted: []*x509.Certificate{leaf}, Time: late}, signature.ErrUntrusted, 0},
		"trusted leaf and its CA, in their time": {"leaf", signature.VerifyOptions{Trusted: []*x509.Certificate{ca, leaf}, Time: leaf.NotAfter}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := signature.Verify(file(t, c.file+".p7s"), rootHash(t), c.o)
			if !errors.Is(err, c.want) || len(r.Signers) != 1 || len(r.Signers[0].Chain) != c.chain {
				t.Errorf("Verify(%s) = %+v, %v, want %v and a chain of %d", c.file, r, err, c.want, c.chain)
			}
		})
	}
}
