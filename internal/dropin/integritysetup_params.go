package dropin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/volume/integrity"
)

const defaultIntegrityHash = "crc32c"

// integrityAlgorithms are what the options say about hash, MAC and cipher.
type integrityAlgorithms struct {
	spelled            string // the hash, as it was given
	hash, mac, journal integrity.Algorithm
}

// readIntegrityAlgorithms reads names and keys; the caller wipes the keys.
func (r *run) readIntegrityAlgorithms(c *popt.Line) (a integrityAlgorithms, err error) {
	a.spelled = defaultIntegrityHash
	if c.Has("integrity") {
		a.spelled = c.Values["integrity"]
	}
	a.hash.Name = integrity.HashName(a.spelled)
	a.mac.Name = integrity.HashName(c.Values["journal-integrity"])
	if name := c.Values["journal-crypt"]; name != "" {
		a.journal.Name = integrity.CipherName(name)
	}
	for _, k := range []struct {
		option string
		to     *integrity.Algorithm
	}{{"integrity", &a.hash}, {"journal-integrity", &a.mac}, {"journal-crypt", &a.journal}} {
		if !c.Has(k.option + "-key-file") {
			continue
		}
		if k.to.Key, err = r.readIntegrityKey(c.Values[k.option+"-key-file"], c.Number(k.option+"-key-size", 0)); err != nil {
			a.wipe()
			return a, err
		}
	}
	return a, nil
}

// readIntegrityKey reads exactly size bytes of a key file.
func (r *run) readIntegrityKey(path string, size uint64) ([]byte, error) {
	in := r.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, exit.New(exit.Failed, ui.ExitFailed, "Failed to open key file.")
		}
		defer f.Close()
		in = f
	}
	key := make([]byte, size)
	if _, err := io.ReadFull(in, key); err != nil {
		ui.Wipe(key)
		return nil, exit.New(exit.Failed, ui.ExitWrongKey, fmt.Sprintf("Cannot read %d bytes from keyfile %s.", size, path))
	}
	return key, nil
}

// wipe forgets the keys.
func (a integrityAlgorithms) wipe() {
	for _, k := range [][]byte{a.hash.Key, a.mac.Key, a.journal.Key} {
		ui.Wipe(k)
	}
}

// integrityError gives an error of package integrity the tool's status.
func integrityError(path string, err error) error {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, integrity.ErrNotIntegrity), errors.Is(err, integrity.ErrBadSuperblock):
		return exit.New(exit.Failed, ui.ExitFailed, "Device "+path+" is not a valid INTEGRITY device.")
	}
	return exit.New(exit.Failed, ui.ExitCode(err), exit.Sentence(err))
}
