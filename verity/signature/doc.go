// Package signature signs dm-verity root hashes and checks such signatures, in the
// form that Linux takes: a detached PKCS#7 SignedData (RFC 2315; CMS of RFC 5652,
// the part both share) in DER over the root hash as lower-case hex text without a
// newline, RSA PKCS#1 v1.5 or ECDSA. It also handles the JSON record that carries
// root hash and signature in a verity signature partition (Discoverable Partitions
// Specification, section Verity).
//
//	der, err := signature.Sign(root, cert, key, signature.Options{})
//	_, err = signature.Verify(der, root, signature.VerifyOptions{Trusted: []*x509.Certificate{cert}})
//	// errors.Is(err, signature.ErrBadSignature), errors.Is(err, signature.ErrUntrusted)
//	record := &signature.Partition{RootHash: root, Signature: der}
//	image, err := record.Encode(16384)
//
// What [Sign] writes for an RSA key is, byte for byte, what
// "openssl smime -sign -nocerts -noattr -binary -outform der" writes.
//
// Where the key is out of reach of the build, [Content], [Digest] or [DigestInfo]
// give the bytes to sign, and [Attach] makes the signature from the value that comes
// back.
//
// The package neither talks to key stores (any [crypto.Signer] will do) nor knows what
// the keyring of a kernel holds: a kernel refuses a good signature by a key that it
// does not trust. It follows no revocation lists.
package signature
