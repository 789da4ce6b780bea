package cryptsetup

import "github.com/dmimg/dmimg/internal/dropin/exit"

// What the actions say that are not supported, and what to do.
const (
	reencryptText = "Re-encryption is not supported: decrypt the device to an image with \"dmimg luks decrypt\" and encrypt that anew, or use cryptsetup."
	suspendText   = "Suspending and resuming LUKS devices is not supported: close the device instead, or use cryptsetup."
	benchmarkText = "Benchmarks are not made here: \"dmimg bench\" measures ciphers."
)

func foreignText(format string) string {
	return format + " devices are not supported, only LUKS: use cryptsetup."
}

// refuse makes an action that says why it does nothing.
func refuse(text string) func(*run) error {
	return func(*run) error { return exit.Failf("%s", text) }
}

// checkKind refuses types of devices by their names.
func (r *run) checkKind() error {
	switch r.kind {
	case "", "luks", "luks1", "luks2", "plain":
		return nil
	case "tcrypt", "bitlk", "fvault2", "loopaes":
		return exit.Failf("%s", foreignText(map[string]string{
			"tcrypt": "TCRYPT", "bitlk": "BITLK", "fvault2": "FVAULT2", "loopaes": "Loop-AES",
		}[r.kind]))
	}
	return exit.Failf("Unrecognized metadata device type %s.", r.kind)
}
