package signature

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
)

var (
	oidData          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1} // RFC 2315, section 14
	oidSignedData    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3} // RFC 5652, section 11
	oidMessageDigest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidRSA           = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1} // RFC 8017, appendix A.1
)

// algorithm is AlgorithmIdentifier; its parameters may be left out.
type algorithm struct {
	Algorithm  asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// contentInfo is ContentInfo around SignedData (RFC 2315, section 7).
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

// signedData is SignedData without content (RFC 2315, section 9.1).
type signedData struct {
	Version          int
	DigestAlgorithms []algorithm `asn1:"set"`
	ContentInfo      struct{ Type asn1.ObjectIdentifier }
	Certificates     asn1.RawValue `asn1:"optional"`
	SignerInfos      []signerInfo  `asn1:"set"`
}

// signerInfo is SignerInfo without attributes (RFC 2315, section 9.2).
type signerInfo struct {
	Version            int
	Signer             issuerAndSerial
	DigestAlgorithm    algorithm
	SignatureAlgorithm algorithm
	Signature          []byte
}

// issuerAndSerial names a certificate (RFC 2315, section 6.7).
type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

func signerOf(cert *x509.Certificate) issuerAndSerial {
	return issuerAndSerial{asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber}
}

// encode makes the message of one signature value.
func encode(value []byte, cert *x509.Certificate, d digest, embedded []*x509.Certificate) ([]byte, error) {
	message := contentInfo{Type: oidSignedData, Content: signedData{
		Version:          1,
		DigestAlgorithms: []algorithm{d.identifier()},
		SignerInfos: []signerInfo{{
			Version: 1, Signer: signerOf(cert),
			DigestAlgorithm: d.identifier(), SignatureAlgorithm: d.signatureAlgorithm(cert), Signature: value,
		}},
	}}
	message.Content.ContentInfo.Type = oidData
	if len(embedded) > 0 {
		certs := asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true}
		for _, c := range embedded {
			certs.Bytes = append(certs.Bytes, c.Raw...)
		}
		message.Content.Certificates = certs
	}
	der, err := asn1.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("signature: encoding: %w", err)
	}
	return der, nil
}

// signatureAlgorithm is what openssl writes for keys like the one in cert.
func (d digest) signatureAlgorithm(cert *x509.Certificate) algorithm {
	if _, ok := cert.PublicKey.(*ecdsa.PublicKey); ok {
		return algorithm{Algorithm: d.ecdsa}
	}
	return algorithm{Algorithm: oidRSA, Parameters: asn1.NullRawValue}
}
