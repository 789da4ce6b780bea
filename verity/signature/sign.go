package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
)

// Options say how a signature is made. The zero value is what Linux and systemd
// expect.
type Options struct {
	// Hash is the digest that the content is signed with: SHA-256 (also when 0),
	// SHA-384 or SHA-512.
	Hash crypto.Hash
	// Certificates are put into the signature, in this order. Usually there are
	// none: whoever checks has the signer's certificate. Needed are the signer's
	// own, and those between, where only their issuer is known to the checker.
	Certificates []*x509.Certificate
}

func (o Options) digest() (digest, error) {
	for _, d := range digests {
		if d.hash == o.Hash || o.Hash == 0 {
			return d, nil
		}
	}
	return digest{}, fmt.Errorf("signature: digest %v: %w", o.Hash, ErrUnsupported)
}

// Sign signs a root hash of any dm-verity digest with the key of cert and returns the
// DER of a detached PKCS#7 signature. The same arguments give the same bytes for RSA,
// and for keys of type *ecdsa.PrivateKey, whose signatures are deterministic ones
// (RFC 6979). Any other [crypto.Signer] is asked to sign a digest; its ECDSA
// signatures must be in ASN.1 form, as that interface says.
//
// The result has been checked with the certificate. Errors wrap [ErrRootSize],
// [ErrUnsupported], [ErrKeyMismatch] or [ErrBadSignature], or are the signer's.
func Sign(root []byte, cert *x509.Certificate, key crypto.Signer, o Options) ([]byte, error) {
	d, err := o.digest()
	if err != nil {
		return nil, err
	}
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	if err := errors.Join(checkKeyKind(cert), checkKeySize(cert)); err != nil {
		return nil, fmt.Errorf("signature: signing: %w", err)
	}
	if public, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(key.Public()) {
		return nil, fmt.Errorf("signature: signing with the certificate of %q: %w", cert.Subject, ErrKeyMismatch)
	}
	var random io.Reader = rand.Reader
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		random = nil // deterministic
	}
	value, err := key.Sign(random, d.sum(Content(root)), d.hash)
	if err != nil {
		return nil, fmt.Errorf("signature: signing: %w", err)
	}
	return Attach(root, value, cert, o)
}

// Attach makes the DER of a detached PKCS#7 signature from a signature value that was
// made elsewhere, over what [Content], [Digest] or [DigestInfo] gave for the same root
// hash and options. An ECDSA value may be in ASN.1 form or two numbers of equal
// length, as PKCS#11 has it.
//
// The value is checked with the certificate. Errors wrap [ErrRootSize],
// [ErrUnsupported] or [ErrBadSignature].
func Attach(root, value []byte, cert *x509.Certificate, o Options) ([]byte, error) {
	d, err := o.digest()
	if err != nil {
		return nil, err
	}
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	switch key := cert.PublicKey.(type) {
	case *ecdsa.PublicKey:
		value = asn1Form(value, key)
	case *rsa.PublicKey:
		if len(value) != key.Size() {
			return nil, fmt.Errorf("signature: attaching: value of %d bytes, an RSA key of %d bits makes %d: %w", len(value), key.N.BitLen(), key.Size(), ErrBadSignature)
		}
	}
	der, err := encode(value, cert, d, o.Certificates)
	if err != nil {
		return nil, err
	}
	known := VerifyOptions{Trusted: []*x509.Certificate{cert}}
	if _, err := Verify(der, root, known); err != nil {
		return nil, err
	}
	return der, nil
}

// asn1Form turns the two numbers of a bare ECDSA value into ASN.1. A value that is
// ASN.1 already is returned as it is.
func asn1Form(value []byte, key *ecdsa.PublicKey) []byte {
	n := (key.Curve.Params().BitSize + 7) / 8
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(value, &pair); len(value) != 2*n || err == nil && len(rest) == 0 {
		return value
	}
	pair.R, pair.S = new(big.Int).SetBytes(value[:n]), new(big.Int).SetBytes(value[n:])
	der, err := asn1.Marshal(pair)
	if err != nil {
		return value
	}
	return der
}
