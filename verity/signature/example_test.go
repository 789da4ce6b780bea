package signature_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log"
	"math/big"
	"time"

	"github.com/dmimg/dmimg/verity/signature"
)

func Example() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "image signing"},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		log.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		log.Fatal(err)
	}

	root := make([]byte, 32) // of verity.Build
	sig, err := signature.Sign(root, cert, key, signature.Options{})
	if err != nil {
		log.Fatal(err)
	}
	trusted := signature.VerifyOptions{Trusted: []*x509.Certificate{cert}}
	result, err := signature.Verify(sig, root, trusted)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("signed by", result.Signers[0].Certificate.Subject)

	root[0] = 1
	_, err = signature.Verify(sig, root, trusted)
	fmt.Println("for another image:", errors.Is(err, signature.ErrBadSignature))
	// Output:
	// signed by CN=image signing
	// for another image: true
}
