package signature_test

import (
	"bytes"
	"crypto"
	"errors"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/verity/signature"
)

var opensslKeys = map[string][]string{ // options of openssl req -newkey
	"rsa2048": {"rsa:2048"},
	"rsa3072": {"rsa:3072"},
	"p256":    {"ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
	"p384":    {"ec", "-pkeyopt", "ec_paramgen_curve:P-384"},
}

// Fresh keys each time, both ways, with openssl smime and openssl cms.
func TestOpenSSL(t *testing.T) {
	t.Parallel()
	for name, newkey := range opensslKeys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			in := func(name string) string { return filepath.Join(dir, name) }
			mustOpenSSL(t, append([]string{
				"req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=" + name + "/O=dmimg, tests",
				"-keyout", in("key"), "-out", in("crt"), "-newkey",
			}, newkey...)...)
			put(t, in("root"), signature.Content(rootHash(t)))
			put(t, in("other"), []byte("another text"))
			certs, err := signature.ParseCertificates(read(t, in("crt")))
			if err != nil {
				t.Fatal(err)
			}
			k, err := signature.ParseKey(read(t, in("key")))
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
				digest := signature.DigestName(h)
				der, err := signature.Sign(rootHash(t), certs[0], k, signature.Options{Hash: h})
				if err != nil {
					t.Fatal(err)
				}
				put(t, in("ours"), der)
				for _, tool := range []string{"smime", "cms"} {
					verify := []string{
						tool, "-verify", "-binary", "-inform", "der", "-in", in("ours"), "-certfile", in("crt"), "-CAfile", in("crt"),
						"-purpose", "any", "-nointern", "-out", in("out"), "-content",
					}
					mustOpenSSL(t, append(verify, in("root"))...)
					if out, err := openssl(t, append(verify, in("other"))...); err == nil {
						t.Errorf("openssl %s takes our signature for another text: %s", tool, out)
					}
					for _, shape := range [][]string{{"-nocerts", "-noattr"}, {"-noattr"}, {"-nocerts"}, {}} {
						mustOpenSSL(t, append([]string{
							tool, "-sign", "-binary", "-in", in("root"), "-inkey", in("key"), "-signer", in("crt"),
							"-md", digest, "-outform", "der", "-out", in("theirs"),
						}, shape...)...)
						theirs := read(t, in("theirs"))
						if _, err := signature.Verify(theirs, rootHash(t), trust(certs[0])); err != nil {
							t.Errorf("openssl %s -md %s %q: Verify: %v", tool, digest, shape, err)
						}
						if _, err := signature.Verify(theirs, make([]byte, 32), trust(certs[0])); !errors.Is(err, signature.ErrBadSignature) {
							t.Errorf("openssl %s -md %s %q over another hash: Verify: %v, want ErrBadSignature", tool, digest, shape, err)
						}
						if tool == "smime" && len(shape) == 2 && name[0] == 'r' && !bytes.Equal(theirs, der) {
							t.Errorf("openssl smime -md %s %q wrote %x, Sign %x", digest, shape, theirs, der)
						}
					}
				}
			}
		})
	}
}

// A key that the build does not have: openssl signs, the way its manual says for each
// form, what we emit; we attach.
func TestOpenSSLSignsOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	root := rootHash(t)
	digest, err := signature.Digest(root, signature.Options{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := signature.DigestInfo(root, signature.Options{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, in("text"), signature.Content(root))
	put(t, in("digest"), digest)
	put(t, in("info"), info)
	for name, c := range map[string]struct {
		key  string
		args []string
	}{
		"RSA, text":        {"rsa2048", []string{"dgst", "-sha256", "-sign", "testdata/rsa2048.key", "-out", in("rt"), in("text")}},
		"RSA, digest":      {"rsa2048", []string{"pkeyutl", "-sign", "-inkey", "testdata/rsa2048.key", "-pkeyopt", "digest:sha256", "-in", in("digest"), "-out", in("rd")}},
		"RSA, digest info": {"rsa2048", []string{"pkeyutl", "-sign", "-inkey", "testdata/rsa2048.key", "-in", in("info"), "-out", in("ri")}},
		"ECDSA, text":      {"p384", []string{"dgst", "-sha256", "-sign", "testdata/p384.key", "-out", in("et"), in("text")}},
		"ECDSA, digest":    {"p384", []string{"pkeyutl", "-sign", "-inkey", "testdata/p384.key", "-in", in("digest"), "-out", in("ed")}},
	} {
		mustOpenSSL(t, c.args...)
		out := c.args[len(c.args)-1]
		if c.args[0] == "dgst" {
			out = c.args[len(c.args)-2]
		}
		if _, err := signature.Attach(root, read(t, out), cert(t, c.key), signature.Options{}); err != nil {
			t.Errorf("%s: Attach: %v", name, err)
		}
	}
}
