package signature_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/verity/signature"
)

// testdata/partition.json is what systemd-repart 252 wrote, without the zeros behind
// it. It puts the certificate into the signature.
func TestPartitionOfRepart(t *testing.T) {
	t.Parallel()
	text := file(t, "partition.json")
	p, err := signature.DecodePartition(slices.Concat(text, make([]byte, 16384-len(text))))
	if err != nil {
		t.Fatal(err)
	}
	signer := cert(t, "rsa2048")
	if _, err := p.Verify(p.RootHash, trust(signer)); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if want := signature.Fingerprint(signer); !bytes.Equal(p.Fingerprint, want) {
		t.Errorf("fingerprint %x, want %x", p.Fingerprint, want)
	}
	der, err := signature.Sign(p.RootHash, signer, key(t, "rsa2048"), signature.Options{Certificates: []*x509.Certificate{signer}})
	if err != nil {
		t.Fatal(err)
	}
	ours := signature.Partition{RootHash: p.RootHash, Fingerprint: signature.Fingerprint(signer), Signature: der}
	got, err := ours.Encode(16384)
	if err != nil || len(got) != 16384 || !bytes.Equal(bytes.TrimRight(got, "\x00"), text) {
		t.Errorf("Encode = %q, %v, want %q and zeros up to 16384 bytes", got, err, text)
	}
}

func testPartition(t testing.TB) *signature.Partition {
	t.Helper()
	return &signature.Partition{RootHash: rootHash(t), Fingerprint: signature.Fingerprint(cert(t, "p256")), Signature: file(t, "p256.p7s")}
}

func TestPartitionEncode(t *testing.T) {
	t.Parallel()
	big := testPartition(t)
	big.Signature = make([]byte, 5000)
	for name, c := range map[string]struct {
		p    *signature.Partition
		size int
		want int // bytes; 0 for an error
	}{
		"default":            {testPartition(t), 0, 4096},
		"default, larger":    {big, 0, 8192},
		"exactly":            {big, 8192, 8192},
		"larger":             {testPartition(t), 1 << 20, 1 << 20},
		"largest":            {testPartition(t), signature.MaxPartition, signature.MaxPartition},
		"too small":          {big, 4096, 0},
		"too large":          {testPartition(t), signature.MaxPartition + 4096, 0},
		"no multiple":        {testPartition(t), 5000, 0},
		"negative":           {testPartition(t), -4096, 0},
		"no root hash":       {&signature.Partition{Signature: []byte{1}}, 0, 0},
		"no signature":       {&signature.Partition{RootHash: rootHash(t)}, 0, 0},
		"bad fingerprint":    {&signature.Partition{RootHash: rootHash(t), Signature: []byte{1}, Fingerprint: []byte{1}}, 0, 0},
		"no fingerprint":     {&signature.Partition{RootHash: rootHash(t), Signature: []byte{1}}, 0, 4096},
		"too much signature": {&signature.Partition{RootHash: rootHash(t), Signature: make([]byte, 1<<20+1)}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := c.p.Encode(c.size)
			if len(b) != c.want || (err == nil) != (c.want > 0) {
				t.Fatalf("Encode(%d) = %d bytes, %v, want %d", c.size, len(b), err, c.want)
			}
			if c.want == 0 {
				return
			}
			p, err := signature.DecodePartition(b)
			if err != nil || !bytes.Equal(p.RootHash, c.p.RootHash) || !bytes.Equal(p.Fingerprint, c.p.Fingerprint) || !bytes.Equal(p.Signature, c.p.Signature) {
				t.Errorf("DecodePartition = %+v, %v, want %+v", p, err, c.p)
			}
		})
	}
}

func TestDecodePartition(t *testing.T) {
	t.Parallel()
	sig := base64.StdEncoding.EncodeToString([]byte("signature"))
	good := fmt.Sprintf(`{"rootHash":"%s","signature":"%s"}`, testRoot, sig)
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"two fields":               {good, nil},
		"zeros":                    {good + "\x00\x00", nil},
		"white space":              {" \n" + strings.ReplaceAll(good, `":"`, `" : "`) + "\n\x00", nil},
		"fields of later versions": {`{"a":[{"b":null}],"c":"d",` + good[1:], nil},
		"escapes":                  {strings.Replace(good, "rootHash", `\u0072ootHash`, 1), nil},
		"end of an older record":   {good + `4HzTLSv2"}`, signature.ErrStaleTail},
		"older record, after zeros": {
			good + "\x00\x00" + good, signature.ErrStaleTail,
		},
		"empty":                    {"", signature.ErrMalformed},
		"zeros only":               {"\x00\x00", signature.ErrMalformed},
		"a list":                   {"[" + good + "]", signature.ErrMalformed},
		"cut off":                  {good[:len(good)-1], signature.ErrMalformed},
		"cut off after a name":     {`{"rootHash"`, signature.ErrMalformed},
		"cut off in a value":       {`{"rootHash":"95`, signature.ErrMalformed},
		"a field twice":            {`{"rootHash":"aa",` + good[1:], signature.ErrMalformed},
		"no root hash":             {`{"signature":"` + sig + `"}`, signature.ErrMalformed},
		"no signature":             {`{"rootHash":"` + testRoot + `"}`, signature.ErrMalformed},
		"other case of a name":     {strings.Replace(good, "rootHash", "roothash", 1), signature.ErrMalformed},
		"upper case hash":          {strings.Replace(good, testRoot, strings.ToUpper(testRoot), 1), signature.ErrMalformed},
		"hash cut off":             {strings.Replace(good, testRoot, testRoot[:30], 1), signature.ErrMalformed},
		"hash of odd length":       {strings.Replace(good, testRoot, testRoot[1:], 1), signature.ErrMalformed},
		"hash is a number":         {strings.Replace(good, `"`+testRoot+`"`, "5", 1), signature.ErrMalformed},
		"signature is an object":   {strings.Replace(good, `"`+sig+`"`, "{}", 1), signature.ErrMalformed},
		"signature is not base64":  {strings.Replace(good, sig, "c2ln*", 1), signature.ErrMalformed},
		"base64 with loose bits":   {strings.Replace(good, sig, "c2lnbmF0dXJm/R==", 1), signature.ErrMalformed},
		"short fingerprint":        {`{"certificateFingerprint":"aabb",` + good[1:], signature.ErrMalformed},
		"fingerprint with colons":  {`{"certificateFingerprint":"aa:bb",` + good[1:], signature.ErrMalformed},
		"brackets without end":     {`{"a":` + strings.Repeat("[", 1<<20), signature.ErrMalformed},
		"more than 4 MiB":          {good + strings.Repeat("\x00", signature.MaxPartition), signature.ErrMalformed},
		"a signature without JSON": {"0\x82\x01\xa7", signature.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := signature.DecodePartition([]byte(c.in))
			if !errors.Is(err, c.want) {
				t.Fatalf("DecodePartition(%.100q): %v, want %v", c.in, err, c.want)
			}
			if wantRecord := !errors.Is(err, signature.ErrMalformed); wantRecord != (p != nil && string(p.Signature) == "signature") {
				t.Errorf("DecodePartition(%.100q) = %+v, want a record: %t", c.in, p, wantRecord)
			}
		})
	}
}

func TestPartitionVerify(t *testing.T) {
	t.Parallel()
	o := trust(cert(t, "p256"), cert(t, "rsa2048"))
	good := testPartition(t)
	if r, err := good.Verify(rootHash(t), o); err != nil || len(r.Signers) != 1 {
		t.Errorf("Verify = %+v, %v, want one signer", r, err)
	}
	anonymous := testPartition(t)
	anonymous.Fingerprint = nil
	if _, err := anonymous.Verify(rootHash(t), o); err != nil {
		t.Errorf("Verify without a fingerprint: %v", err)
	}
	other := testPartition(t)
	other.Fingerprint = signature.Fingerprint(cert(t, "rsa2048"))
	if _, err := other.Verify(rootHash(t), o); !errors.Is(err, signature.ErrBadSignature) || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("Verify with another fingerprint: %v, want ErrBadSignature", err)
	}
	if _, err := good.Verify(make([]byte, 32), o); !errors.Is(err, signature.ErrBadSignature) || !strings.Contains(err.Error(), testRoot) {
		t.Errorf("Verify of another root hash: %v, want ErrBadSignature naming %s", err, testRoot)
	}
	if _, err := good.Verify(rootHash(t), trust(cert(t, "ca"))); !errors.Is(err, signature.ErrUntrusted) {
		t.Errorf("Verify by nobody known: %v, want ErrUntrusted", err)
	}
}
