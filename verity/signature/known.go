package signature

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/smallstep/pkcs7"
)

// known is what is known when signers are checked.
type known struct {
	o       VerifyOptions
	certs   []*x509.Certificate // of possible signers, the trusted first
	anchors *x509.CertPool
	between *x509.CertPool
}

func newKnown(o VerifyOptions, embedded []*x509.Certificate) *known {
	k := &known{o: o, certs: slices.Concat(o.Trusted, o.Certificates, embedded), between: x509.NewCertPool()}
	if k.anchors = x509.NewCertPool(); o.Roots != nil {
		k.anchors = o.Roots.Clone()
	}
	for _, c := range o.Trusted {
		k.anchors.AddCert(c)
	}
	for _, c := range k.certs[len(o.Trusted):] {
		k.between.AddCert(c)
	}
	return k
}

// check finds the certificate of a signer, checks the signature with it, and whether
// it is trusted.
func (k *known) check(s *signerElement, root []byte) Signer {
	r := Signer{Attributes: s.attributes != nil}
	d, err := s.digest()
	if err != nil {
		r.Err = err
		return r
	}
	r.Hash = d.hash
	r.Err = fmt.Errorf("the certificate of %s is not known: %w", s.name(), ErrUntrusted)
	var bad error
	for _, cert := range k.certs {
		if !s.isNamed(cert) {
			continue
		}
		err := s.verify(cert, root)
		if errors.Is(err, ErrBadSignature) && bad == nil {
			bad = err
			r.Certificate = cert
		}
		if err != nil {
			r.Err = err
			continue
		}
		r.Certificate = cert
		r.Chain, r.Err = k.trust(cert)
		r.Trusted = r.Err == nil
		return r
	}
	if bad != nil {
		r.Err = bad
	}
	return r
}

// name says which certificate a signer claims.
func (s *signerElement) name() string {
	if s.serial == nil {
		return fmt.Sprintf("the signer with key identifier %x", s.keyID)
	}
	return fmt.Sprintf("the signer with serial number %x", s.serial.Bytes())
}

// isNamed reports whether the signer claims cert, byte for byte as Linux compares.
func (s *signerElement) isNamed(cert *x509.Certificate) bool {
	if s.serial == nil {
		return len(s.keyID) > 0 && bytes.Equal(s.keyID, cert.SubjectKeyId)
	}
	return s.serial.Cmp(cert.SerialNumber) == 0 && bytes.Equal(s.issuer, cert.RawIssuer)
}

// digest finds the digest; the algorithm of the signature must agree with it. Older
// digests than SHA-2 and other paddings than PKCS#1 v1.5 are not supported.
func (s *signerElement) digest() (digest, error) {
	for _, d := range digests {
		if d.oid.Equal(s.digestOID) && slices.ContainsFunc([]asn1.ObjectIdentifier{oidRSA, d.rsa, d.ecdsa}, s.signatureOID.Equal) {
			return d, nil
		}
	}
	return digest{}, fmt.Errorf("digest %v, signature %v: %w", s.digestOID, s.signatureOID, ErrUnsupported)
}

// verify checks the signature with the key of cert.
func (s *signerElement) verify(cert *x509.Certificate, root []byte) error {
	if err := errors.Join(checkKeyKind(cert), checkKeySize(cert)); err != nil {
		return err
	}
	err := s.verifyContent(cert, Content(root))
	if err == nil || errors.Is(err, ErrUntrusted) {
		return err
	}
	for _, other := range otherContents(root) {
		if s.verifyContent(cert, other.content) == nil {
			return fmt.Errorf("signed by %q: what was signed is %s, not its hex digits alone: %w", cert.Subject, other.what, ErrBadSignature)
		}
	}
	return fmt.Errorf("signed by %q: %w: %w", cert.Subject, ErrBadSignature, err)
}

// verifyContent leaves the cryptography to package pkcs7, which gets a message that
// has been taken apart and put together again: its own way through hostile BER may
// take for ever, and it passes over structures that it does not understand.
func (s *signerElement) verifyContent(cert *x509.Certificate, content []byte) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the PKCS#7 parser gave up: %v", r)
		}
	}()
	der, err := s.single(cert)
	if err != nil {
		return err
	}
	p7, err := pkcs7.Parse(der)
	if err != nil {
		return err
	}
	if len(p7.Signers) != 1 || len(p7.Content) != 0 || (len(p7.Signers[0].AuthenticatedAttributes) > 0) != (s.attributes != nil) {
		return errors.New("the PKCS#7 parser saw something else")
	}
	p7.Certificates, p7.Content = []*x509.Certificate{cert}, content
	err = p7.Verify()
	if mismatch := new(pkcs7.MessageDigestMismatchError); errors.As(err, &mismatch) {
		return errors.New("the signed attributes are about something else")
	}
	if late := new(pkcs7.SigningTimeNotValidError); errors.As(err, &late) {
		return fmt.Errorf("signed by %q at %s, outside of the validity of its certificate: %w",
			cert.Subject, late.SigningTime.Format(time.RFC3339), ErrUntrusted)
	}
	return err
}

// otherContents are forms of a root hash that people sign by mistake.
func otherContents(root []byte) []struct {
	what    string
	content []byte
} {
	text := string(Content(root))
	upper := strings.ToUpper(text)
	return []struct {
		what    string
		content []byte
	}{
		{"the root hash and a newline", []byte(text + "\n")},
		{"the root hash and a CR LF", []byte(text + "\r\n")},
		{"the raw bytes of the root hash", root},
		{"the root hash in upper case", []byte(upper)},
		{"the root hash in upper case and a newline", []byte(upper + "\n")},
	}
}

// trust finds the chain from cert to a trusted certificate.
func (k *known) trust(cert *x509.Certificate) ([]*x509.Certificate, error) {
	if slices.ContainsFunc(k.o.Trusted, cert.Equal) {
		if t := k.o.Time; !t.IsZero() && (t.Before(cert.NotBefore) || t.After(cert.NotAfter)) {
			return nil, fmt.Errorf("certificate %q is valid from %s to %s only: %w",
				cert.Subject, cert.NotBefore.Format(time.RFC3339), cert.NotAfter.Format(time.RFC3339), ErrUntrusted)
		}
		return []*x509.Certificate{cert}, nil
	}
	const signs = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if cert.KeyUsage != 0 && cert.KeyUsage&signs == 0 {
		return nil, fmt.Errorf("certificate %q is not meant for signing: %w", cert.Subject, ErrUntrusted)
	}
	chains, err := cert.Verify(x509.VerifyOptions{
		Roots: k.anchors, Intermediates: k.between, CurrentTime: k.o.Time,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, fmt.Errorf("certificate %q: %w: %w", cert.Subject, ErrUntrusted, err)
	}
	return chains[0], nil
}

// checkKeyKind refuses certificates whose keys do not make signatures of this kind.
func checkKeyKind(cert *x509.Certificate) error {
	switch cert.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
		return nil
	}
	return fmt.Errorf("certificate %q has a %v key, only RSA and ECDSA are used: %w", cert.Subject, cert.PublicKeyAlgorithm, ErrUnsupported)
}

// checkKeySize refuses RSA keys that nobody signs images with, and that would take
// long to check.
func checkKeySize(cert *x509.Certificate) error {
	const longest = 8192 // bits
	if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() > longest {
		return fmt.Errorf("certificate %q has an RSA key of %d bits, at most %d are used: %w", cert.Subject, key.N.BitLen(), longest, ErrUnsupported)
	}
	return nil
}
