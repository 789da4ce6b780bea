package signature_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/verity/signature"
)

// FuzzVerify feeds anything as a signature. Nobody but the holders of the keys can
// make a good one, so whatever is accepted must name a trusted signer.
func FuzzVerify(f *testing.F) {
	names, err := filepath.Glob("testdata/*.p7s")
	if err != nil || len(names) < 20 {
		f.Fatalf("seeds: %d, %v", len(names), err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	trusted := trust(cert(f, "rsa2048"), cert(f, "p256"), cert(f, "ca"))
	root := rootHash(f)
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := signature.Verify(der, root, trusted)
		if (r == nil) != errors.Is(err, signature.ErrMalformed) {
			t.Fatalf("result %+v with error %v", r, err)
		}
		if err != nil {
			return
		}
		good := 0
		for _, s := range r.Signers {
			if s.Trusted && s.Err == nil && len(s.Chain) > 0 {
				good++
			}
		}
		if good == 0 {
			t.Fatalf("accepted without a trusted signer: %+v", r)
		}
		if _, err := signature.Verify(der, make([]byte, 32), trusted); err == nil {
			t.Fatal("accepted for another root hash too")
		}
	})
}

// FuzzPartition: what decodes encodes, and decodes to the same again.
func FuzzPartition(f *testing.F) {
	f.Add(file(f, "partition.json"))
	b, err := testPartition(f).Encode(0)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(append(b[:2000:2000], `"}`...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := signature.DecodePartition(b)
		if (p == nil) != errors.Is(err, signature.ErrMalformed) {
			t.Fatalf("record %+v with error %v", p, err)
		}
		if p == nil {
			return
		}
		again, err := p.Encode(0)
		if err != nil {
			t.Fatalf("decoded, but: %v", err)
		}
		if _, err := signature.DecodePartition(again); err != nil {
			t.Fatalf("encoded, but: %v", err)
		}
	})
}
