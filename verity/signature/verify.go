package signature

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// VerifyOptions say who may have signed. With the zero value nobody may.
type VerifyOptions struct {
	// Trusted certificates are those whose keys may sign, as the keys in the keyring
	// of a kernel may, and the anchors of chains that lead to the signer's
	// certificate. The dates and usages in a trusted signer's own certificate do not
	// matter, unless Time is set.
	Trusted []*x509.Certificate
	// Roots are further anchors of chains; may be nil.
	Roots *x509.CertPool
	// Certificates may be those of signers, or stand in the chain to them, as the
	// ones inside the signature may. They are not trusted by being here.
	Certificates []*x509.Certificate
	// Time is when the certificates must be valid. Zero is now for chains, and any
	// time for trusted signers.
	Time time.Time
}

// Result says who signed.
type Result struct {
	// Signers has at least one element, in the order of the signature.
	Signers []Signer
}

// Signer is one signer of a signature.
type Signer struct {
	// Certificate is the signer's, from the options or from the signature; nil if it
	// is in neither.
	Certificate *x509.Certificate
	// Hash is the digest that was signed; 0 if it is not supported.
	Hash crypto.Hash
	// Attributes reports that signed attributes stand between signature and content.
	Attributes bool
	// Trusted reports that the options vouch for the signer and that the signature is
	// good.
	Trusted bool
	// Chain leads from Certificate to a trusted one, both included; nil if not
	// trusted.
	Chain []*x509.Certificate
	// Err is why the signer does not count: it wraps [ErrBadSignature],
	// [ErrUntrusted] or [ErrUnsupported]. Nil if Trusted.
	Err error
}

// Verify checks a detached PKCS#7 signature, in DER or BER of at most 1 MiB, over
// [Content] of the root hash. It is good if one signer is trusted and no signature in
// it is wrong. That is how Linux decides: signers that nobody knows, or with
// algorithms that are not known, neither help nor harm.
//
// The result is nil only if der could not be read or the root hash is none. Errors
// wrap [ErrMalformed] (with [ErrDamaged] where that fits), [ErrRootSize], [ErrBadSignature], [ErrUntrusted] or
// [ErrUnsupported]. A signature over the root hash in another form, say its raw
// bytes, is bad, and the error says so.
//
// Digests are those of [Digests], keys RSA (1024 to 8192 bits, PKCS#1 v1.5) and
// ECDSA.
func Verify(der, root []byte, o VerifyOptions) (*Result, error) {
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	m, err := parseMessage(der)
	if err != nil {
		return nil, fmt.Errorf("signature: reading: %w: %w", err, ErrMalformed)
	}
	known := newKnown(o, m.certs)
	r := new(Result)
	for _, s := range m.signers {
		r.Signers = append(r.Signers, known.check(s, root))
	}
	return r, r.verdict()
}

// verdict is nil if the signature is good.
func (r *Result) verdict() error {
	var trusted bool
	var unknown error
	for i, s := range r.Signers {
		switch {
		case errors.Is(s.Err, ErrBadSignature):
			return r.failed(i)
		case s.Trusted:
			trusted = true
		case unknown == nil || errors.Is(s.Err, ErrUntrusted):
			unknown = r.failed(i)
		}
	}
	if trusted {
		return nil
	}
	return unknown
}

func (r *Result) failed(i int) error {
	if len(r.Signers) == 1 {
		return fmt.Errorf("signature: checking: %w", r.Signers[i].Err)
	}
	return fmt.Errorf("signature: checking signer %d of %d: %w", i+1, len(r.Signers), r.Signers[i].Err)
}
