package cli

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/signature"
)

// The forms of what is to be signed.
const (
	formText       = "text"
	formDigest     = "digest"
	formDigestInfo = "digest-info"
)

var signForms = []string{formText, formDigest, formDigestInfo}

// emitToBeSigned writes what a key store has to sign.
func (o veritySignOptions) emitToBeSigned(s ui.Streams, root []byte, so signature.Options) (err error) {
	var content []byte
	switch o.form {
	case formText, "":
		o.form, content = formText, signature.Content(root)
	case formDigest:
		content, err = signature.Digest(root, so)
	case formDigestInfo:
		content, err = signature.DigestInfo(root, so)
	default:
		err = ui.Usagef("--to-be-signed-form %q: %s", o.form, strings.Join(signForms, ", "))
	}
	if err != nil {
		return err
	}
	out, err := createSmall(o.toBeSigned, o.force)
	if err != nil {
		return err
	}
	defer out.close()
	if err := out.commit(s, content); err != nil || !o.json {
		return err
	}
	return ui.WriteJSON(s.Out, struct {
		RootHash string `json:"root_hash"`
		Form     string `json:"form"`
		Digest   string `json:"digest"` // what text is to be hashed with
		Bytes    int    `json:"bytes"`
	}{hex.EncodeToString(root), o.form, o.digestName(), len(content)})
}

func (o veritySignOptions) digestName() string {
	if o.digest == "" {
		return signature.Digests()[0]
	}
	return o.digest
}

// attach takes a bare signature value, or a whole signature.
func (o veritySignOptions) attach(ctx context.Context, s ui.Streams, root []byte, cert *x509.Certificate, so signature.Options) ([]byte, error) {
	b, err := readSmall(ctx, s, o.value, signature.MaxPartition)
	if err != nil {
		return nil, err
	}
	if !signature.IsPKCS7(b) {
		der, err := signature.Attach(root, b, cert, so)
		if err != nil && isText(b) {
			err = ui.Hint(err, "%s looks like text: decode base64 or hex first", o.value)
		}
		return der, err
	}
	if o.digest != "" || len(o.embed) > 0 {
		return nil, ui.Usagef("--signature %s is a whole PKCS#7 signature: --digest and --embed-cert come too late", o.value)
	}
	_, err = signature.Verify(b, root, signature.VerifyOptions{Trusted: []*x509.Certificate{cert}})
	return b, err
}

// isText reports whether b is text of one kind or another.
func isText(b []byte) bool {
	return len(b) > 0 && !strings.ContainsFunc(string(b), func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' || r > '~' })
}
