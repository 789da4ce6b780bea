package signature

import "errors"

var (
	// ErrBadSignature is wrapped by the errors for a signature that was not made by
	// the key of its certificate over this root hash.
	ErrBadSignature = errors.New("signature does not match")
	// ErrUntrusted is wrapped by the errors for a signature whose signer is unknown,
	// or known and not trusted.
	ErrUntrusted = errors.New("signer is not trusted")
	// ErrMalformed is wrapped by the errors for bytes that are not a detached PKCS#7
	// signature, a record of a signature partition, a certificate or a key.
	ErrMalformed = errors.New("not in the expected form")
	// ErrDamaged is wrapped, beside ErrMalformed, by the errors for bytes that begin as
	// a PKCS#7 signature and go on as none: cut off, or with more bytes at the end.
	ErrDamaged = errors.New("damaged signature")
	// ErrUnsupported is wrapped by the errors for kinds of keys and digests that this
	// package does not sign with or check.
	ErrUnsupported = errors.New("unsupported algorithm")
	// ErrKeyMismatch is wrapped by the errors for a key that is not the one in the
	// certificate.
	ErrKeyMismatch = errors.New("key does not belong to the certificate")
	// ErrEncrypted is wrapped by the errors for private keys under a passphrase.
	ErrEncrypted = errors.New("private key is encrypted")
	// ErrRootSize is wrapped by the errors for a root hash of a length that no digest
	// has.
	ErrRootSize = errors.New("not the length of a root hash")
	// ErrStaleTail is wrapped by the errors for a partition where other bytes than
	// zeros follow the record.
	ErrStaleTail = errors.New("leftover bytes behind the record")
)
