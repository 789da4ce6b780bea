package dropin

import (
	"errors"
	"fmt"
	"os"

	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integritysetupDump prints what a superblock says.
func integritysetupDump(r *run, c *popt.Line) error {
	path := c.Words[0]
	sb, err := readIntegritySuperblock(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.Out, "Info for integrity device %s.\n%s", path, sb.Text())
	return err
}

// readIntegritySuperblock demands an integrity device.
func readIntegritySuperblock(path string) (sb *integrity.Superblock, err error) {
	if err := checkDevice(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, deviceError(path, "does not exist or access denied")
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if sb, err = integrity.ReadSuperblock(f, 0); err != nil {
		return nil, integrityError(path, err)
	}
	return sb, nil
}
