package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/signature"
)

// verityCheckSignatureOptions is what `verity check-signature` is told.
type verityCheckSignatureOptions struct {
	root, rootHashFile string
	signature          string
	trust, certs       []string
	time               time.Time // zero: not given
	allowStaleTail     bool
	json               bool
}

func verityCheckSignatureCommand() *urfave.Command {
	return &urfave.Command{
		Name: "check-signature", Usage: "check the signature of a root hash", ArgsUsage: "[ROOT] SIGNATURE",
		Description: verityCheckSignatureHelp,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "root-hash-file", Usage: "read the root hash from `FILE` instead of ROOT"},
			&urfave.StringSliceFlag{Name: "trust", Usage: "trust the certificates in `FILE`, as signers and as issuers (PEM or DER, repeatable)"},
			&urfave.StringSliceFlag{Name: "cert", Usage: "find signers and what lies between in `FILE` too, without trusting them (repeatable)"},
			&urfave.StringFlag{Name: "time", Usage: "demand that certificates are valid at `TIME`, as in 2026-01-31T12:00:00Z"},
			&urfave.BoolFlag{Name: "allow-stale-tail", Usage: "only warn of bytes left behind the record of a partition"},
			ui.JSONFlag(),
		},
		Action: verb(1, 2, func(c *urfave.Context, s ui.Streams) error {
			o := verityCheckSignatureOptions{
				rootHashFile: c.String("root-hash-file"), signature: c.Args().Get(c.NArg() - 1),
				trust: c.StringSlice("trust"), certs: c.StringSlice("cert"),
				allowStaleTail: c.Bool("allow-stale-tail"), json: c.Bool("json"),
			}
			if c.NArg() == 2 {
				o.root = c.Args().First()
			}
			if text := c.String("time"); text != "" {
				var err error
				if o.time, err = time.Parse(time.RFC3339, text); err != nil {
					return ui.Usagef("--time %q: not a time such as 2026-01-31T12:00:00Z", text)
				}
			}
			return verityCheckSignature(c.Context, s, o)
		}),
	}
}

const verityCheckSignatureHelp = `SIGNATURE is a detached PKCS#7 in DER, or the content of a verity signature partition (- is standard
input). It is good when one of its signers is trusted and none of its signatures is wrong, as a kernel
sees it. The dates of a certificate given by --trust do not matter, unless --time is given, nor do they to
the kernel; those of certificates that it has issued do.`

// verityCheckSignature prints who signed, and fails if nobody did who is trusted.
func verityCheckSignature(ctx context.Context, s ui.Streams, o verityCheckSignatureOptions) error {
	if len(o.trust) == 0 {
		return ui.Usagef("--trust is missing: whose signature is good?")
	}
	if err := onlyOneFromStdin(slices.Concat(o.trust, o.certs, []string{o.signature})...); err != nil {
		return err
	}
	root, err := readSignedRoot(ctx, o.root, o.rootHashFile)
	if err != nil {
		return err
	}
	known := signature.VerifyOptions{Time: o.time}
	if known.Trusted, err = readCertificates(ctx, s, o.trust); err != nil {
		return err
	}
	if known.Certificates, err = readCertificates(ctx, s, o.certs); err != nil {
		return err
	}
	b, err := readSmall(ctx, s, o.signature, signature.MaxPartition)
	if err != nil {
		return err
	}
	c := &signatureCheck{RootHash: hex.EncodeToString(root), Form: signatureFormPKCS7}
	c.run(b, root, known)
	if c.staleTail != nil && o.allowStaleTail {
		ui.Warnf(s.Err, "%v", c.staleTail)
		c.staleTail = nil
	}
	if err := c.print(s, o); err != nil {
		return err
	}
	return c.verdict(o.signature, b)
}

// signatureCheck is what check-signature found.
type signatureCheck struct {
	OK        bool         `json:"ok"`
	RootHash  string       `json:"root_hash"`
	Form      string       `json:"form"`
	StaleTail bool         `json:"stale_tail"`
	Signers   []signerJSON `json:"signers"`
	Problem   string       `json:"problem,omitempty"`

	result    *signature.Result // nil if it could not be read
	err       error
	staleTail error
}

// run checks a signature in either form.
func (c *signatureCheck) run(b, root []byte, known signature.VerifyOptions) {
	if !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		c.result, c.err = signature.Verify(b, root, known)
		return
	}
	c.Form = signatureFormPartition
	record, err := signature.DecodePartition(b)
	if record == nil {
		c.err = err
		return
	}
	c.staleTail, c.StaleTail = err, err != nil
	c.result, c.err = record.Verify(root, known)
}

// verdict is why the signature is not good.
func (c *signatureCheck) verdict(path string, b []byte) error {
	switch {
	case errors.Is(c.err, signature.ErrMalformed) && bytes.Contains(b, []byte("-----BEGIN")):
		return ui.Hint(fmt.Errorf("%s: %w", path, c.err), "it looks like PEM, but the kernel takes DER: openssl pkcs7 -in FILE -outform der")
	case c.err != nil:
		return fmt.Errorf("%s: %w", path, c.err)
	case c.staleTail != nil:
		return ui.Hint(fmt.Errorf("%s: %w", path, c.staleTail), "write it again, to its end: dmimg verity sign --partition --size")
	}
	return nil
}

// print writes the signers, and that all is well if it is. What could not be read has
// none.
func (c *signatureCheck) print(s ui.Streams, o verityCheckSignatureOptions) error {
	problem := errors.Join(c.err, c.staleTail)
	c.OK = problem == nil
	c.Signers = []signerJSON{}
	if c.result != nil {
		c.Signers = signersJSON(c.result)
		warnOfDates(s.Err, c.result, o.time)
	}
	if o.json {
		if problem != nil {
			c.Problem = problem.Error()
		}
		return ui.WriteJSON(s.Out, c)
	}
	for _, signer := range c.Signers {
		if err := signer.writeText(s.Out); err != nil {
			return err
		}
	}
	if !c.OK {
		return nil
	}
	_, err := fmt.Fprintln(s.Out, "ok")
	return err
}

// writeText prints one fact a line; a signer whose certificate is not known has few.
func (j signerJSON) writeText(w io.Writer) error {
	trusted := "no"
	if j.Trusted {
		trusted = "yes"
	}
	if j.Subject == "" && j.Serial == "" {
		j.Subject = "unknown"
	}
	for _, fact := range [][2]string{
		{"signer", j.Subject},
		{"issuer", j.Issuer},
		{"serial", j.Serial},
		{"fingerprint", j.Fingerprint},
		{"digest", j.Digest},
		{"trusted", trusted},
	} {
		if fact[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s %s\n", fact[0], fact[1]); err != nil {
			return err
		}
	}
	return nil
}

// warnOfDates tells of trusted signers whose certificates are not valid today, when
// nobody asked about a time.
func warnOfDates(w io.Writer, r *signature.Result, at time.Time) {
	if !at.IsZero() {
		return
	}
	now := time.Now()
	for _, signer := range r.Signers {
		if c := signer.Certificate; signer.Trusted && (now.Before(c.NotBefore) || now.After(c.NotAfter)) {
			ui.Warnf(w, "the certificate of %s is valid from %s to %s only; the kernel does not look at that",
				printable(c.Subject.String()), c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339))
		}
	}
}
