package signature_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/dmimg/dmimg/verity/signature"
)

// The files were made by the command of veritysetup's manual and variants of it.
func TestSignGivesTheBytesOfOpenSSL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, key string
		options   signature.Options
	}{
		{"rsa2048", "rsa2048", signature.Options{}},
		{"rsa3072", "rsa3072", signature.Options{}},
		{"rsa2048", "rsa2048", signature.Options{Hash: crypto.SHA256}},
		{"sha384", "rsa2048", signature.Options{Hash: crypto.SHA384}},
		{"sha512", "rsa2048", signature.Options{Hash: crypto.SHA512}},
		{"certs", "rsa2048", signature.Options{Certificates: []*x509.Certificate{cert(t, "rsa2048")}}},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			got, err := signature.Sign(rootHash(t), cert(t, c.key), key(t, c.key), c.options)
			if want := file(t, c.file+".p7s"); err != nil || !bytes.Equal(got, want) {
				t.Errorf("Sign(%s, %+v) = %x, %v, want %x", c.key, c.options, got, err, want)
			}
		})
	}
}

// An ECDSA value differs from run to run of openssl; everything around it must not.
func TestSignECDSADiffersInTheValueOnly(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"p256", "p384", "leaf"} {
		got, err := signature.Sign(rootHash(t), cert(t, name), key(t, name), signature.Options{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := signature.Sign(rootHash(t), cert(t, name), key(t, name), signature.Options{})
		if err != nil || !bytes.Equal(got, again) {
			t.Errorf("%s: a second signature differs: %x, %v, want %x", name, again, err, got)
		}
		if got, want := withoutValue(t, got), withoutValue(t, file(t, name+".p7s")); !bytes.Equal(got, want) {
			t.Errorf("%s: %x around the value, openssl has %x", name, got, want)
		}
	}
}

// withoutValue takes a message apart into its leaves, all but the last.
func withoutValue(t *testing.T, der []byte) (leaves []byte) {
	t.Helper()
	var last []byte
	var walk func(b []byte)
	walk = func(b []byte) {
		for len(b) > 0 {
			var v asn1.RawValue
			rest, err := asn1.Unmarshal(b, &v)
			if err != nil {
				t.Fatal(err)
			}
			b = rest
			if v.IsCompound {
				walk(v.Bytes)
				continue
			}
			leaves = append(leaves, last...)
			last = v.FullBytes
		}
	}
	walk(der)
	return leaves
}

func TestSignEveryKeyAndDigest(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rsa2048", "rsa3072", "p256", "p384"} {
		for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			der, err := signature.Sign(rootHash(t), cert(t, name), key(t, name), signature.Options{Hash: h})
			if err != nil {
				t.Errorf("Sign(%s, %v): %v", name, h, err)
				continue
			}
			r, err := signature.Verify(der, rootHash(t), trust(cert(t, name)))
			if err != nil || len(r.Signers) != 1 || !r.Signers[0].Trusted || r.Signers[0].Hash != h {
				t.Errorf("Verify of Sign(%s, %v) = %+v, %v, want one trusted signer", name, h, r, err)
			}
		}
	}
}

// broken is a key store whose signatures are wrong, or that fails.
type broken struct {
	crypto.Signer
	value []byte
	err   error
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return b.value, b.err }

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	errStore := errors.New("the token is locked")
	root, rsa, p256 := rootHash(t), cert(t, "rsa2048"), cert(t, "p256")
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	edDER, err := x509.CreateCertificate(rand.Reader, template, template, edPublic, edKey)
	if err != nil {
		t.Fatal(err)
	}
	ed, err := x509.ParseCertificate(edDER)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		root []byte
		cert *x509.Certificate
		key  crypto.Signer
		o    signature.Options
		want error
	}{
		"a key of another certificate":    {root, rsa, key(t, "rsa3072"), signature.Options{}, signature.ErrKeyMismatch},
		"a key of another kind":           {root, rsa, key(t, "p256"), signature.Options{}, signature.ErrKeyMismatch},
		"no root hash":                    {nil, rsa, key(t, "rsa2048"), signature.Options{}, signature.ErrRootSize},
		"a root hash cut off":             {root[:31], rsa, key(t, "rsa2048"), signature.Options{}, signature.ErrRootSize},
		"a root hash too long":            {make([]byte, 65), rsa, key(t, "rsa2048"), signature.Options{}, signature.ErrRootSize},
		"an old digest":                   {root, rsa, key(t, "rsa2048"), signature.Options{Hash: crypto.SHA1}, signature.ErrUnsupported},
		"an Ed25519 key":                  {root, ed, edKey, signature.Options{}, signature.ErrUnsupported},
		"a key store that fails":          {root, rsa, broken{key(t, "rsa2048"), nil, errStore}, signature.Options{}, errStore},
		"a wrong RSA value":               {root, rsa, broken{key(t, "rsa2048"), make([]byte, 256), nil}, signature.Options{}, signature.ErrBadSignature},
		"an RSA value of the wrong size":  {root, rsa, broken{key(t, "rsa2048"), make([]byte, 255), nil}, signature.Options{}, signature.ErrBadSignature},
		"a wrong ECDSA value":             {root, p256, broken{key(t, "p256"), []byte{0x30, 6, 2, 1, 1, 2, 1, 1}, nil}, signature.Options{}, signature.ErrBadSignature},
		"two numbers that are none":       {root, p256, broken{key(t, "p256"), make([]byte, 64), nil}, signature.Options{}, signature.ErrBadSignature},
		"an ECDSA value that is no value": {root, p256, broken{key(t, "p256"), nil, nil}, signature.Options{}, signature.ErrBadSignature},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			der, err := signature.Sign(c.root, c.cert, c.key, c.o)
			if der != nil || !errors.Is(err, c.want) {
				t.Errorf("Sign = %x, %v, want %v", der, err, c.want)
			}
		})
	}
}

func TestAttach(t *testing.T) {
	t.Parallel()
	root := rootHash(t)
	der, err := signature.Attach(root, file(t, "rsa2048.value"), cert(t, "rsa2048"), signature.Options{})
	if want := file(t, "rsa2048.p7s"); err != nil || !bytes.Equal(der, want) {
		t.Errorf("Attach(RSA value of openssl dgst) = %x, %v, want %x", der, err, want)
	}
	value := file(t, "p256.value")
	der, err = signature.Attach(root, value, cert(t, "p256"), signature.Options{})
	if err != nil {
		t.Fatalf("Attach(ECDSA value of openssl dgst): %v", err)
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(value, &pair); err != nil {
		t.Fatal(err)
	}
	bare := append(pair.R.FillBytes(make([]byte, 32)), pair.S.FillBytes(make([]byte, 32))...)
	again, err := signature.Attach(root, bare, cert(t, "p256"), signature.Options{})
	if err != nil || !bytes.Equal(again, der) {
		t.Errorf("Attach(the same as two numbers) = %x, %v, want %x", again, err, der)
	}
	for _, o := range []signature.Options{{Hash: crypto.SHA512}, {Hash: crypto.MD5}} {
		if der, err := signature.Attach(root, value, cert(t, "p256"), o); der != nil || err == nil {
			t.Errorf("Attach(value over sha256, %v) = %x, %v, want an error", o.Hash, der, err)
		}
	}
	if _, err := signature.Attach(root, value, cert(t, "leaf"), signature.Options{}); !errors.Is(err, signature.ErrBadSignature) {
		t.Errorf("Attach with another certificate: %v, want ErrBadSignature", err)
	}
}

// What key stores get to sign, in all three forms, gives the same signature.
func TestWhatIsToBeSigned(t *testing.T) {
	t.Parallel()
	root := rootHash(t)
	if got := string(signature.Content(root)); got != testRoot {
		t.Errorf("Content = %q, want %q", got, testRoot)
	}
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		o := signature.Options{Hash: h}
		digest, err := signature.Digest(root, o)
		if err != nil {
			t.Fatal(err)
		}
		info, err := signature.DigestInfo(root, o)
		if err != nil {
			t.Fatal(err)
		}
		want, err := signature.Sign(root, cert(t, "rsa2048"), key(t, "rsa2048"), o)
		if err != nil {
			t.Fatal(err)
		}
		for form, sign := range map[string]func() ([]byte, error){
			"digest":      func() ([]byte, error) { return key(t, "rsa2048").Sign(rand.Reader, digest, h) },
			"digest info": func() ([]byte, error) { return key(t, "rsa2048").Sign(rand.Reader, info, crypto.Hash(0)) },
		} {
			value, err := sign()
			if err != nil {
				t.Fatal(err)
			}
			if got, err := signature.Attach(root, value, cert(t, "rsa2048"), o); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v signed as %s: %x, %v, want %x", h, form, got, err, want)
			}
		}
	}
	if _, err := signature.Digest(root[:7], signature.Options{}); !errors.Is(err, signature.ErrRootSize) {
		t.Errorf("Digest of 7 bytes: %v, want ErrRootSize", err)
	}
	if _, err := signature.DigestInfo(root, signature.Options{Hash: crypto.SHA224}); !errors.Is(err, signature.ErrUnsupported) {
		t.Errorf("DigestInfo with SHA-224: %v, want ErrUnsupported", err)
	}
}

func TestDigestNames(t *testing.T) {
	t.Parallel()
	for _, name := range signature.Digests() {
		h, err := signature.ParseDigest(name)
		if err != nil || signature.DigestName(h) != name {
			t.Errorf("ParseDigest(%q) = %v, %v, and back %q", name, h, err, signature.DigestName(h))
		}
	}
	if _, err := signature.ParseDigest("sha1"); !errors.Is(err, signature.ErrUnsupported) {
		t.Errorf("ParseDigest(sha1): %v, want ErrUnsupported", err)
	}
	if name := signature.DigestName(crypto.SHA1); name != "" {
		t.Errorf("DigestName(SHA-1) = %q, want none", name)
	}
}
