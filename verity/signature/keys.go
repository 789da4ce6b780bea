package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
)

// ParseKey reads the private key in a PEM file: PKCS#8 ("PRIVATE KEY"), PKCS#1 ("RSA
// PRIVATE KEY") or SEC 1 ("EC PRIVATE KEY"), RSA or ECDSA. Other blocks, such as
// certificates, may stand around it. The caller wipes text, and the key with [Wipe].
//
// Errors wrap [ErrMalformed], [ErrUnsupported] or [ErrEncrypted], and show nothing of
// the key.
func ParseKey(text []byte) (crypto.Signer, error) {
	var key crypto.Signer
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			break
		}
		text = rest
		k, err := parseKeyBlock(block)
		clear(block.Bytes)
		if err == nil && k != nil && key != nil {
			err = fmt.Errorf("signature: key: more than one in the file: %w", ErrMalformed)
		}
		if err != nil {
			return nil, err
		}
		if k != nil {
			key = k
		}
	}
	if key == nil {
		return nil, fmt.Errorf("signature: key: no private key in PEM: %w", ErrMalformed)
	}
	return key, nil
}

// parseKeyBlock returns nil for blocks that do not hold a private key.
func parseKeyBlock(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return nil, fmt.Errorf("signature: key: %w", ErrEncrypted)
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("signature: key: bad %s: %w", block.Type, ErrMalformed) // the cause may tell of the key
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, fmt.Errorf("signature: key of type %T, only RSA and ECDSA sign: %w", key, ErrUnsupported)
}

// Wipe zeroes the numbers of a key that [ParseKey] made; the key is of no use after.
// Copies that the standard library keeps for itself stay until their memory is used
// again. Keys of other origin are left alone.
func Wipe(key crypto.Signer) {
	switch key := key.(type) {
	case *rsa.PrivateKey:
		wipeInts(append([]*big.Int{key.D, key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv}, key.Primes...)...)
	case *ecdsa.PrivateKey:
		//lint:ignore SA1019 it is wiped, not computed with
		wipeInts(key.D)
	}
}

func wipeInts(list ...*big.Int) {
	for _, n := range list {
		if n != nil {
			clear(n.Bits())
		}
	}
}

// ParseCertificates reads all certificates of a file: PEM with any number of
// "CERTIFICATE" blocks, among others, or the DER of one. There is at least one.
// Errors wrap [ErrMalformed].
func ParseCertificates(b []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(b, []byte("-----BEGIN ")) {
		cert, err := x509.ParseCertificate(b)
		if err != nil {
			return nil, fmt.Errorf("signature: certificate: neither PEM nor DER: %w: %w", ErrMalformed, err)
		}
		return []*x509.Certificate{cert}, nil
	}
	var list []*x509.Certificate
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			clear(block.Bytes) // it may be a key
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("signature: certificate %d: %w: %w", len(list)+1, ErrMalformed, err)
		}
		list = append(list, cert)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("signature: certificate: none in the PEM: %w", ErrMalformed)
	}
	return list, nil
}
