package cli

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
	"unicode"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/signature"
)

// The two forms of a signature in a file.
const (
	signatureFormPKCS7     = "pkcs7"
	signatureFormPartition = "partition"
)

// signerJSON is one signer as sign and check-signature print it.
type signerJSON struct {
	Subject     string `json:"subject"` // "" if the certificate is not known
	Issuer      string `json:"issuer"`
	Serial      string `json:"serial"`      // hex
	Fingerprint string `json:"fingerprint"` // SHA-256 of the certificate, hex
	NotBefore   string `json:"not_before"`
	NotAfter    string `json:"not_after"`
	Digest      string `json:"digest"`
	Trusted     bool   `json:"trusted"`
	Problem     string `json:"problem,omitempty"`
}

func signersJSON(r *signature.Result) []signerJSON {
	list := make([]signerJSON, 0, len(r.Signers))
	for _, s := range r.Signers {
		j := signerJSON{Digest: signature.DigestName(s.Hash), Trusted: s.Trusted}
		if c := s.Certificate; c != nil {
			j.Subject, j.Issuer = printable(c.Subject.String()), printable(c.Issuer.String())
			j.Serial, j.Fingerprint = hex.EncodeToString(c.SerialNumber.Bytes()), hex.EncodeToString(signature.Fingerprint(c))
			j.NotBefore, j.NotAfter = c.NotBefore.UTC().Format(time.RFC3339), c.NotAfter.UTC().Format(time.RFC3339)
		}
		if s.Err != nil {
			j.Problem = s.Err.Error()
		}
		list = append(list, j)
	}
	return list
}

// printable keeps what a certificate says from moving the cursor of a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// readSignedRoot takes the root hash from the argument or the file and refuses one
// of a length that no digest has.
func readSignedRoot(ctx context.Context, text, file string) ([]byte, error) {
	root, err := readRoot(ctx, text, file)
	if err != nil {
		return nil, err
	}
	if _, err := signature.Digest(root, signature.Options{}); err != nil {
		if file != "" {
			return nil, ui.Failf("root hash file %s: %w", file, err)
		}
		return nil, &ui.Error{Code: ui.ExitWrongUse, Err: err}
	}
	return root, nil
}

// onlyOneFromStdin refuses to read standard input twice.
func onlyOneFromStdin(paths ...string) error {
	n := 0
	for _, path := range paths {
		if path == "-" {
			n++
		}
	}
	if n > 1 {
		return ui.Usagef("only one file can be standard input")
	}
	return nil
}

// maxCertificateFile is more than any file of a few certificates has bytes.
const maxCertificateFile = 1 << 20

// readCertificates reads the certificates in several files.
func readCertificates(ctx context.Context, s ui.Streams, paths []string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, path := range paths {
		b, err := readSmall(ctx, s, path, maxCertificateFile)
		if err != nil {
			return nil, err
		}
		certs, err := signature.ParseCertificates(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, certs...)
	}
	return all, nil
}

// readSmall reads a file, device or stream of at most limit bytes.
func readSmall(ctx context.Context, s ui.Streams, path string, limit int64) ([]byte, error) {
	in, err := ui.OpenInput(ctx, path, s.In)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r, err := in.Reader(0, -1)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, ui.Failf("reading %s: %w", in.Name(), err)
	}
	if int64(len(b)) > limit {
		return nil, ui.Failf("reading %s: more than %s", in.Name(), ui.FormatSize(limit))
	}
	return b, nil
}

// deviceSize is the size of the block device at path; 0 if there is none.
func deviceSize(ctx context.Context, path string) (int64, error) {
	info := ui.StatFile(path)
	if info == nil || info.Mode()&fs.ModeDevice == 0 || info.Mode()&fs.ModeCharDevice != 0 {
		return 0, nil
	}
	in, err := ui.OpenInput(ctx, path, nil)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	return in.Size(), nil
}

// smallOutput is a file that is written in one piece, or standard output.
type smallOutput struct{ file *ui.Output } // nil for standard output

func createSmall(path string, force bool) (smallOutput, error) {
	if path == "-" {
		return smallOutput{}, nil
	}
	file, err := ui.CreateOutput(path, ui.OutputOptions{Force: force})
	return smallOutput{file}, err
}

// commit writes the content, whole or not at all.
func (o smallOutput) commit(s ui.Streams, content []byte) error {
	if o.file == nil {
		_, err := io.Copy(s.Out, bytes.NewReader(content))
		return err
	}
	if err := o.file.CheckRoom(int64(len(content))); err != nil {
		return err
	}
	if _, err := o.file.Write(content); err != nil {
		return err
	}
	return ui.CommitAll(o.file)
}

func (o smallOutput) close() {
	if o.file != nil {
		o.file.Close()
	}
}
