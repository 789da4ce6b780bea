package signature

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// Bounds on what a message may hold; each signer costs a few signature checks.
const (
	maxSigners      = 16
	maxCertificates = 64
)

// message is a detached SignedData, taken apart and checked for its structure.
type message struct {
	certs   []*x509.Certificate // those inside, nothing is known of them
	signers []*signerElement
}

// signerElement is one SignerInfo.
type signerElement struct {
	whole *element

	issuer []byte   // DER; nil when the signer is named by keyID
	serial *big.Int // nil likewise
	keyID  []byte

	digestOID, signatureOID asn1.ObjectIdentifier
	attributes              *element // nil without
}

// IsPKCS7 reports whether b begins as a PKCS#7 SignedData in DER or BER does, to tell
// one from a bare signature value.
func IsPKCS7(b []byte) bool {
	oid, err := asn1.Marshal(oidSignedData)
	if err != nil || len(b) < 2 || b[0] != tagSequence {
		return false
	}
	header := 2
	if b[1] > 0x80 {
		header += int(b[1] & 0x7f)
	}
	return len(b) > header && bytes.HasPrefix(b[header:], oid)
}

// parseMessage reads a message strictly: every element must be where RFC 5652
// (sections 3, 5.1, 5.3) has it, and nothing else. The error has no sentinel but
// [ErrDamaged].
func parseMessage(b []byte) (*message, error) {
	root, err := parseBER(b)
	if err != nil && IsPKCS7(b) {
		err = fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	r := reader{left: root.in(tagSequence)}
	if !r.oid().Equal(oidSignedData) {
		return nil, errors.New("not PKCS#7 signed data")
	}
	inner := reader{left: r.take(tagContext0).in(tagContext0)}
	sd := reader{left: inner.take(tagSequence).in(tagSequence)}
	if !r.done() || !inner.done() {
		return nil, errors.New("not PKCS#7 signed data")
	}
	return parseSignedData(&sd)
}

func parseSignedData(sd *reader) (*message, error) {
	m := new(message)
	sd.take(tagInteger)
	sd.take(tagSet)
	content := reader{left: sd.take(tagSequence).in(tagSequence)}
	if !content.oid().Equal(oidData) {
		return nil, errors.New("what is signed is not plain data")
	}
	if content.optional(tagContext0) != nil {
		return nil, errors.New("it carries its own content, but the kernel takes detached signatures only")
	}
	certs := sd.optional(tagContext0)
	sd.optional(tagContext1) // revocation lists
	signers := sd.take(tagSet).in(tagSet)
	if !sd.done() || !content.done() {
		return nil, errors.New("the signed data has other elements than it should")
	}
	switch {
	case len(signers) == 0:
		return nil, errors.New("nobody has signed: it has no signer")
	case len(signers) > maxSigners:
		return nil, fmt.Errorf("%d signers, at most %d are checked", len(signers), maxSigners)
	}
	for i, e := range signers {
		s, err := parseSigner(e)
		if err != nil {
			return nil, fmt.Errorf("signer %d: %w", i+1, err)
		}
		m.signers = append(m.signers, s)
	}
	var err error
	if certs != nil {
		m.certs, err = parseEmbedded(certs)
	}
	return m, err
}

func parseSigner(e *element) (*signerElement, error) {
	s := &signerElement{whole: e}
	r := reader{left: e.in(tagSequence)}
	r.take(tagInteger)
	if id := r.optional(tagKeyID); id != nil {
		s.keyID = id.content
	} else if err := s.parseName(r.take(tagSequence)); err != nil {
		return nil, err
	}
	digestAlgorithm := reader{left: r.take(tagSequence).in(tagSequence)}
	s.attributes = r.optional(tagContext0)
	signatureAlgorithm := reader{left: r.take(tagSequence).in(tagSequence)}
	r.take(tagOctets)
	r.optional(tagContext1) // attributes that are not signed
	s.digestOID, s.signatureOID = digestAlgorithm.oid(), signatureAlgorithm.oid()
	if !r.done() || s.digestOID == nil || s.signatureOID == nil {
		return nil, errors.New("it has other elements than it should")
	}
	if s.attributes != nil {
		return s, checkAttributes(s.attributes)
	}
	return s, nil
}

func (s *signerElement) parseName(e *element) error {
	if e == nil {
		return errors.New("it does not name a certificate")
	}
	var name issuerAndSerial
	rest, err := asn1.Unmarshal(e.append(nil), &name)
	if err != nil || len(rest) > 0 {
		return errors.New("the name of its certificate is malformed")
	}
	s.issuer, s.serial = name.Issuer.FullBytes, name.Serial
	return nil
}

// checkAttributes demands what RFC 5652 (section 5.3) does of signed attributes: the
// type of the content and its digest, once each.
func checkAttributes(attributes *element) error {
	seen := make(map[string]int)
	for _, a := range attributes.elements {
		r := reader{left: a.in(tagSequence)}
		oid := r.oid()
		values := r.take(tagSet).in(tagSet)
		if oid == nil || !r.done() || len(values) == 0 {
			return errors.New("a signed attribute is malformed")
		}
		seen[oid.String()]++
		if oid.Equal(oidContentType) || oid.Equal(oidMessageDigest) {
			first := reader{left: values}
			if oid.Equal(oidContentType) && !first.oid().Equal(oidData) || oid.Equal(oidMessageDigest) && first.take(tagOctets) == nil || !first.done() {
				return errors.New("the signed attributes are not about plain data")
			}
		}
	}
	if seen[oidContentType.String()] != 1 || seen[oidMessageDigest.String()] != 1 {
		return errors.New("signed attributes without a content type and a digest")
	}
	return nil
}

func parseEmbedded(certs *element) ([]*x509.Certificate, error) {
	if n := len(certs.elements); n > maxCertificates {
		return nil, fmt.Errorf("%d certificates, at most %d are read", n, maxCertificates)
	}
	var list []*x509.Certificate
	for i, e := range certs.elements {
		cert, err := x509.ParseCertificate(e.append(nil))
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		if err := checkKeySize(cert); err != nil {
			return nil, err
		}
		list = append(list, cert)
	}
	return list, nil
}

// single makes a message in DER that has only this signer, named by the issuer and
// serial number of cert (the name is not signed), and nothing else.
func (s *signerElement) single(cert *x509.Certificate) ([]byte, error) {
	name, err := asn1.Marshal(signerOf(cert))
	if err != nil {
		return nil, err
	}
	signer := &element{tag: tagSequence, elements: append([]*element(nil), s.whole.elements...)}
	signer.elements[0] = &element{tag: tagInteger, content: []byte{1}}
	signer.elements[1] = &element{encoded: name}
	if last := len(signer.elements) - 1; signer.elements[last].tag == tagContext1 {
		signer.elements = signer.elements[:last]
	}
	return contentInfoOf(signer).append(nil), nil
}

// contentInfoOf puts a SignerInfo into a message.
func contentInfoOf(signer *element) *element {
	oid := func(id asn1.ObjectIdentifier) *element {
		der, err := asn1.Marshal(id)
		if err != nil {
			panic("signature: internal error: " + err.Error())
		}
		return &element{encoded: der}
	}
	digestAlgorithm := signer.elements[2]
	return &element{tag: tagSequence, elements: []*element{
		oid(oidSignedData),
		{tag: tagContext0, elements: []*element{{tag: tagSequence, elements: []*element{
			{tag: tagInteger, content: []byte{1}},
			{tag: tagSet, elements: []*element{digestAlgorithm}},
			{tag: tagSequence, elements: []*element{oid(oidData)}},
			{tag: tagSet, elements: []*element{signer}},
		}}}},
	}}
}

// reader takes the elements of a structure one after the other. What is not there is
// nil, and makes done false.
type reader struct {
	left   []*element
	failed bool
}

// in returns the elements inside e, if it has that tag.
func (e *element) in(tag byte) []*element {
	if e == nil || e.tag != tag {
		return nil
	}
	return e.elements
}

func (r *reader) optional(tag byte) *element {
	if len(r.left) == 0 || r.left[0].tag != tag {
		return nil
	}
	e := r.left[0]
	r.left = r.left[1:]
	return e
}

func (r *reader) take(tag byte) *element {
	e := r.optional(tag)
	r.failed = r.failed || e == nil
	return e
}

// oid takes an object identifier.
func (r *reader) oid() (id asn1.ObjectIdentifier) {
	e := r.take(tagOID)
	if e == nil {
		return nil
	}
	if rest, err := asn1.Unmarshal(e.append(nil), &id); err != nil || len(rest) > 0 {
		return nil
	}
	return id
}

// done reports whether everything was there and nothing is left.
func (r *reader) done() bool { return !r.failed && len(r.left) == 0 }
