package signature

import (
	"crypto"
	_ "crypto/sha256" // the digests of [Options]
	_ "crypto/sha512"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
)

// Content returns what a signature of the root hash signs: its lower-case hex text,
// without a newline. (Linux hands this text to its PKCS#7 code; the Discoverable
// Partitions Specification demands the same.) Signing tools that hash by themselves
// take it as it is: openssl dgst -sha256 -sign.
func Content(root []byte) []byte { return hex.AppendEncode(nil, root) }

// Digest returns the digest of [Content], for signers that take a digest: ECDSA keys
// of most key stores, openssl pkeyutl -sign -pkeyopt digest:sha256.
// It returns errors that wrap [ErrRootSize] or [ErrUnsupported].
func Digest(root []byte, o Options) ([]byte, error) {
	d, err := o.digest()
	if err != nil {
		return nil, err
	}
	if err := checkRoot(root); err != nil {
		return nil, err
	}
	return d.sum(Content(root)), nil
}

// DigestInfo returns [Digest] in the structure that RSA PKCS#1 v1.5 pads (RFC 8017,
// section 9.2, step 2), for signers that only do the padding: the RSA mechanism
// CKM_RSA_PKCS of PKCS#11.
// It returns the errors of [Digest].
func DigestInfo(root []byte, o Options) ([]byte, error) {
	sum, err := Digest(root, o)
	if err != nil {
		return nil, err
	}
	d, err := o.digest()
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Algorithm algorithm
		Digest    []byte
	}{d.identifier(), sum})
}

// checkRoot refuses what cannot be a root hash, such as one that was cut off.
func checkRoot(root []byte) error {
	const shortest, longest = 16, 64 // md5, sha512
	if n := len(root); n < shortest || n > longest || n%4 != 0 {
		return fmt.Errorf("signature: root hash of %d bytes: %w", n, ErrRootSize)
	}
	return nil
}

// digest is one digest that content can be signed with.
type digest struct {
	hash  crypto.Hash
	name  string
	oid   asn1.ObjectIdentifier // NIST, CSOR
	rsa   asn1.ObjectIdentifier // with RSA PKCS#1 v1.5: RFC 8017, appendix A.2.4
	ecdsa asn1.ObjectIdentifier // with ECDSA: RFC 5758, section 3.2
}

// digests is the list; the first is the default.
var digests = []digest{
	{
		crypto.SHA256, "sha256",
		asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1},
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11},
		asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2},
	},
	{
		crypto.SHA384, "sha384",
		asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2},
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12},
		asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3},
	},
	{
		crypto.SHA512, "sha512",
		asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3},
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13},
		asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4},
	},
}

// Digests returns the names of the digests that can be signed with, the default first.
func Digests() []string {
	names := make([]string, len(digests))
	for i, d := range digests {
		names[i] = d.name
	}
	return names
}

// ParseDigest returns the digest that name, as in [Digests], stands for.
// The error wraps [ErrUnsupported].
func ParseDigest(name string) (crypto.Hash, error) {
	for _, d := range digests {
		if d.name == name {
			return d.hash, nil
		}
	}
	return 0, fmt.Errorf("signature: digest %q: %w", name, ErrUnsupported)
}

// DigestName is the inverse of [ParseDigest]; it is empty for other digests.
func DigestName(h crypto.Hash) string {
	for _, d := range digests {
		if d.hash == h {
			return d.name
		}
	}
	return ""
}

func (d digest) sum(content []byte) []byte {
	h := d.hash.New()
	h.Write(content)
	return h.Sum(nil)
}

// identifier names the digest as openssl does, with a NULL for its parameters.
func (d digest) identifier() algorithm {
	return algorithm{Algorithm: d.oid, Parameters: asn1.NullRawValue}
}
