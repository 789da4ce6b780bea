package cli

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/signature"
)

// veritySignOptions is what `verity sign` is told. One of toBeSigned, key and value
// is given.
type veritySignOptions struct {
	root, rootHashFile string
	cert               string
	embed              []string
	digest             string // "" if not given

	toBeSigned, form string // where the bytes to sign go, and which
	key              string // PEM
	value            string // file with what was signed elsewhere

	out       string
	partition bool
	size      int64 // bytes of the partition; 0: what the record needs, or the device has
	force     bool
	json      bool
}

func veritySignCommand() *urfave.Command {
	return &urfave.Command{
		Name: "sign", Usage: "sign a root hash, as the kernel checks it", ArgsUsage: "[ROOT]",
		Description: veritySignHelp,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "root-hash-file", Usage: "read the root hash from `FILE` instead of ROOT"},
			&urfave.StringFlag{Name: "key", Usage: "sign with the private key in `FILE` (PEM, RSA or EC, not encrypted; - is standard input)"},
			&urfave.StringFlag{Name: "cert", Usage: "certificate of the key, in `FILE` (PEM or DER)"},
			&urfave.StringFlag{Name: "out", Usage: "write the signature to `FILE` (- is standard output)"},
			&urfave.StringFlag{Name: "digest", Usage: "sign with `NAME`: " + strings.Join(signature.Digests(), ", ") + " (default: sha256)"},
			&urfave.StringSliceFlag{Name: "embed-cert", Usage: "put the certificates in `FILE` into the signature too (repeatable)"},
			&urfave.StringFlag{Name: "to-be-signed", Usage: "only write the bytes that are to be signed to `FILE` (- is standard output)"},
			&urfave.StringFlag{Name: "to-be-signed-form", Usage: "`FORM` of these bytes: " + strings.Join(signForms, ", ") + " (default: text)"},
			&urfave.StringFlag{Name: "signature", Usage: "use what was signed elsewhere, in `FILE`: the bare value, or a PKCS#7 signature"},
			&urfave.BoolFlag{Name: "partition", Usage: "write the record for a verity signature partition, with the signature in it"},
			ui.SizeFlag("size", "fill the partition with zeros to `BYTES`, a multiple of 4096 (default: the next one, or the device)"),
			ui.ForceFlag(), ui.JSONFlag(),
		},
		Action: verb(0, 1, func(c *urfave.Context, s ui.Streams) error {
			o := veritySignOptions{
				root: c.Args().First(), rootHashFile: c.String("root-hash-file"),
				cert: c.String("cert"), embed: c.StringSlice("embed-cert"), digest: c.String("digest"),
				toBeSigned: c.String("to-be-signed"), form: c.String("to-be-signed-form"),
				key: c.String("key"), value: c.String("signature"),
				out: c.String("out"), partition: c.Bool("partition"), size: ui.SizeOf(c, "size", 0),
				force: c.Bool("force"), json: c.Bool("json"),
			}
			if c.IsSet("size") && o.size == 0 {
				return ui.Usagef("--size 0: a multiple of %d", signature.PartitionAlign)
			}
			return veritySign(c.Context, s, o)
		}),
	}
}

const veritySignHelp = `The signature is a detached PKCS#7 in DER over the root hash in hex, without a newline: the same bytes
as those of "openssl smime -sign -nocerts -noattr -binary -outform der" where the key is RSA.
A key that this machine must not have signs elsewhere: --to-be-signed writes what it has to sign, as text
(for tools that hash: openssl dgst -sha256 -sign), digest (for those that do not) or digest-info (for those
that only pad: PKCS#11 CKM_RSA_PKCS); --signature makes the signature from what comes back.`

// veritySign writes a signature, or what it is made from.
func veritySign(ctx context.Context, s ui.Streams, o veritySignOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	root, err := readSignedRoot(ctx, o.root, o.rootHashFile)
	if err != nil {
		return err
	}
	so, err := o.options(ctx, s)
	if err != nil {
		return err
	}
	if o.toBeSigned != "" {
		return o.emitToBeSigned(s, root, so)
	}
	out, err := createSmall(o.out, o.force)
	if err != nil {
		return err
	}
	defer out.close()
	der, cert, err := o.sign(ctx, s, root, so)
	if err != nil {
		return err
	}
	content := der
	if o.partition {
		record := signature.Partition{RootHash: root, Fingerprint: signature.Fingerprint(cert), Signature: der}
		if content, err = o.encodePartition(ctx, record); err != nil {
			return err
		}
	}
	if err := out.commit(s, content); err != nil || !o.json {
		return err
	}
	return o.report(s, root, der, content, cert)
}

// check refuses flags that contradict each other or would do nothing.
func (o veritySignOptions) check() error {
	ways := 0
	for _, way := range []string{o.toBeSigned, o.key, o.value} {
		if way != "" {
			ways++
		}
	}
	emits := o.toBeSigned != ""
	switch {
	case ways != 1:
		return ui.Usagef("give one of --key, --to-be-signed and --signature")
	case !emits && o.cert == "":
		return ui.Usagef("--cert is missing: the signature names the certificate")
	case !emits && o.out == "":
		return ui.Usagef("--out is missing")
	case o.json && (o.out == "-" || o.toBeSigned == "-"):
		return ui.Usagef("--json: standard output is taken")
	}
	return errors.Join(
		onlyOneFromStdin(append([]string{o.key, o.value, o.cert}, o.embed...)...),
		unusedFlag(emits && (o.cert != "" || len(o.embed) > 0 || o.out != ""), "to-be-signed", "takes neither --cert nor --embed-cert nor --out"),
		unusedFlag(emits && o.partition, "partition", "there is no signature yet"),
		unusedFlag(!emits && o.form != "", "to-be-signed-form", "only with --to-be-signed"),
		unusedFlag(!o.partition && o.size != 0, "size", "only with --partition"),
	)
}

// options are those of the signature itself.
func (o veritySignOptions) options(ctx context.Context, s ui.Streams) (so signature.Options, err error) {
	if o.digest != "" {
		if so.Hash, err = signature.ParseDigest(o.digest); err != nil {
			return so, ui.Usagef("--digest %q: %s", o.digest, strings.Join(signature.Digests(), ", "))
		}
	}
	so.Certificates, err = readCertificates(ctx, s, o.embed)
	return so, err
}

// sign makes the signature, with the key or from what was signed elsewhere.
func (o veritySignOptions) sign(ctx context.Context, s ui.Streams, root []byte, so signature.Options) ([]byte, *x509.Certificate, error) {
	certs, err := readCertificates(ctx, s, []string{o.cert})
	if err != nil {
		return nil, nil, err
	}
	cert := certs[0] // of a file with its chain, as usual, the first
	var der []byte
	if o.key != "" {
		der, err = signWithKey(ctx, s, o.key, root, cert, so)
	} else {
		der, err = o.attach(ctx, s, root, cert, so)
	}
	return der, cert, err
}

// signWithKey reads a private key, uses it, and wipes what can be wiped of it.
func signWithKey(ctx context.Context, s ui.Streams, path string, root []byte, cert *x509.Certificate, so signature.Options) ([]byte, error) {
	text, err := ui.ReadKeyFile(ctx, ui.KeyFile{Path: path}, s.In)
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(text)
	key, err := signature.ParseKey(text)
	if errors.Is(err, signature.ErrEncrypted) {
		return nil, ui.Hint(fmt.Errorf("--key %s: %w", path, err), "decrypt it on the way: openssl pkey -in KEY | dmimg verity sign --key - …")
	}
	if err != nil {
		return nil, fmt.Errorf("--key %s: %w", path, err)
	}
	defer signature.Wipe(key)
	return signature.Sign(root, cert, key, so)
}

// encodePartition makes the partition as large as asked for. A device is filled to
// its end, so that nothing of an older record stays behind.
func (o veritySignOptions) encodePartition(ctx context.Context, record signature.Partition) ([]byte, error) {
	size, err := deviceSize(ctx, o.out)
	if err != nil {
		return nil, err
	}
	if size > 0 && o.size > 0 && o.size != size {
		return nil, ui.Usagef("--size %d: the device %s has %d bytes, and all of it is written", o.size, o.out, size)
	}
	size = max(size, o.size)
	if size > signature.MaxPartition {
		return nil, ui.Failf("a signature partition of %s: at most %s", ui.FormatSize(size), ui.FormatSize(signature.MaxPartition))
	}
	content, err := record.Encode(int(size))
	if errors.Is(err, signature.ErrMalformed) && o.size > 0 {
		return nil, &ui.Error{Code: ui.ExitWrongUse, Err: err}
	}
	return content, err
}

// report prints what was written.
func (o veritySignOptions) report(s ui.Streams, root, der, content []byte, cert *x509.Certificate) error {
	r, err := signature.Verify(der, root, signature.VerifyOptions{Trusted: []*x509.Certificate{cert}})
	if err != nil {
		return err
	}
	signers := signersJSON(r)
	form := signatureFormPKCS7
	if o.partition {
		form = signatureFormPartition
	}
	return ui.WriteJSON(s.Out, struct {
		RootHash       string       `json:"root_hash"`
		Form           string       `json:"form"`
		SignatureBytes int          `json:"signature_bytes"`
		Bytes          int          `json:"bytes"` // of the file
		Signers        []signerJSON `json:"signers"`
	}{hex.EncodeToString(root), form, len(der), len(content), signers})
}
