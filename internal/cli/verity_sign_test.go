package cli_test

import (
	"encoding/pem"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// signatureTestdata has keys and certificates of package signature.
const signatureTestdata = "../../verity/signature/testdata"

const signedRoot = "9515863229bb3e3ae50284c92c2c37a69e1425b12ab02d2f37c02af528b813a6"

// The key stays where openssl is: what it has to sign goes there, in each form, and
// the value comes back.
func TestVeritySignOutside(t *testing.T) {
	t.Parallel()
	openssl := need(t, "openssl")
	key := func(name string) string { return filepath.Join(signatureTestdata, name+".key") }
	for _, c := range []struct {
		name, key, form, digest string
		args                    func(in, out string) []string
	}{
		{"RSA text", "rsa3072", "text", "sha256", func(in, out string) []string {
			return []string{"dgst", "-sha256", "-sign", key("rsa3072"), "-out", out, in}
		}},
		{"RSA digest", "rsa2048", "digest", "sha512", func(in, out string) []string {
			return []string{"pkeyutl", "-sign", "-inkey", key("rsa2048"), "-pkeyopt", "digest:sha512", "-in", in, "-out", out}
		}},
		{"RSA digest info", "rsa2048", "digest-info", "sha256", func(in, out string) []string {
			return []string{"pkeyutl", "-sign", "-inkey", key("rsa2048"), "-in", in, "-out", out}
		}},
		{"ECDSA digest", "p384", "digest", "sha384", func(in, out string) []string {
			return []string{"pkeyutl", "-sign", "-inkey", key("p384"), "-in", in, "-out", out}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			toSign, value, out := filepath.Join(dir, "to-sign"), filepath.Join(dir, "value"), filepath.Join(dir, "p7s")
			cert := filepath.Join(signatureTestdata, c.key+".crt")
			mustRun(t, "verity", "sign", signedRoot, "--to-be-signed", toSign, "--to-be-signed-form", c.form, "--digest", c.digest)
			if words, err := exec.Command(openssl, c.args(toSign, value)...).CombinedOutput(); err != nil {
				t.Fatalf("openssl %q: %v\n%s", c.args(toSign, value), err, words)
			}
			mustRun(t, "verity", "sign", signedRoot, "--signature", value, "--cert", cert, "--digest", c.digest, "--out", out)
			if said := mustRun(t, "verity", "check-signature", signedRoot, out, "--trust", cert); !strings.HasSuffix(said, "\ndigest "+c.digest+"\ntrusted yes\nok\n") {
				t.Errorf("check-signature says %q", said)
			}
			text := writeFile(t, filepath.Join(dir, "text"), []byte(signedRoot))
			verify := []string{
				"cms", "-verify", "-binary", "-inform", "der", "-in", out, "-content", text,
				"-certfile", cert, "-CAfile", cert, "-purpose", "any", "-nointern", "-out", filepath.Join(dir, "verified"),
			}
			if words, err := exec.Command(openssl, verify...).CombinedOutput(); err != nil {
				t.Errorf("openssl %q: %v\n%s", verify, err, words)
			}
		})
	}
}

// Whatever is wrong with a key, no part of it is printed.
func TestVeritySignShowsNoKey(t *testing.T) {
	t.Parallel()
	cert := filepath.Join(signatureTestdata, "p256.crt")
	for _, name := range []string{"p256.key", "rsa2048.key", "rsa2048.pkcs1.key", "p256.sec1.key", "p256.encrypted.key"} {
		good := string(readFile(t, filepath.Join(signatureTestdata, name)))
		body := strings.Split(good, "\n")[1]
		block, _ := pem.Decode([]byte(good))
		if block == nil {
			t.Fatalf("%s is not PEM", name)
		}
		for what, text := range map[string]string{
			"another type":    strings.ReplaceAll(strings.ReplaceAll(good, "RSA PRIVATE", "EC PRIVATE"), "BEGIN PRIVATE", "BEGIN RSA PRIVATE"),
			"cut off":         good[:len(good)*2/3],
			"a letter lost":   strings.Replace(good, body, body[1:], 1),
			"no frame":        body,
			"DER":             string(block.Bytes),
			"DER, wrong type": string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: block.Bytes[3:]})),
			"for RSA":         strings.Replace(good, "PRIVATE KEY", "RSA PRIVATE KEY", 2),
		} {
			if text == good {
				continue
			}
			r := dmimgWith(t, strings.NewReader(text), "verity", "sign", signedRoot, "--key", "-", "--cert", cert, "--out", filepath.Join(t.TempDir(), "out"), "--json")
			if r.code != 1 && r.code != 4 {
				t.Errorf("%s, %s: exit status %d, want 1 or 4\n%s", name, what, r.code, r.stderr)
			}
			for i := 0; i+8 <= len(body); i++ {
				if part := body[i : i+8]; strings.Contains(r.stdout+r.stderr, part) {
					t.Errorf("%s, %s: a part of the key is printed", name, what)
					break
				}
			}
		}
	}
}
