package cli

import (
	"context"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/signature"
)

// readSignature reads a signature that was made for the root hash before. Whether it
// is good is for check-signature, which knows whom to trust.
func (j *verityJob) readSignature(ctx context.Context, s ui.Streams) (err error) {
	path := j.o.signatureFile
	switch {
	case path == "":
		return nil
	case path == "-" && (j.o.data == "-" || j.o.fromManifest == "-"):
		return ui.Usagef("--root-hash-signature -: standard input is taken")
	}
	if j.signature, err = readSmall(ctx, s, path, signature.MaxPartition); err != nil {
		return err
	}
	if !signature.IsPKCS7(j.signature) {
		return ui.Failf("--root-hash-signature %s: not a PKCS#7 signature in DER", path)
	}
	return nil
}
