package signature_test

import (
	"crypto"
	"crypto/x509"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/verity/signature"
)

// testRoot is what the files in testdata have signed.
const testRoot = "9515863229bb3e3ae50284c92c2c37a69e1425b12ab02d2f37c02af528b813a6"

func rootHash(t testing.TB) []byte {
	t.Helper()
	root, err := hex.DecodeString(testRoot)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func cert(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	list, err := signature.ParseCertificates(file(t, name+".crt"))
	if err != nil || len(list) != 1 {
		t.Fatalf("ParseCertificates(%s.crt) = %d certificates, %v, want 1", name, len(list), err)
	}
	return list[0]
}

func key(t testing.TB, name string) crypto.Signer {
	t.Helper()
	k, err := signature.ParseKey(file(t, name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func trust(certs ...*x509.Certificate) signature.VerifyOptions {
	return signature.VerifyOptions{Trusted: certs}
}

// openssl runs the real tool, or skips the test without it; with
// DMIMG_TEST_REQUIRE=all a missing one is a failure.
func openssl(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	path, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("openssl is required: %v", err)
		}
		t.Skip("openssl is not installed")
	}
	return exec.Command(path, args...).CombinedOutput()
}

func mustOpenSSL(t *testing.T, args ...string) {
	t.Helper()
	if out, err := openssl(t, args...); err != nil {
		t.Fatalf("openssl %q: %v\n%s", args, err, out)
	}
}

func put(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
