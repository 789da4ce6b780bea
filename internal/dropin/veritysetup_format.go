package dropin

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// VerityFormat is what the action format is told. Existing files are written into at
// their offsets; new ones are for their owner only.
type VerityFormat struct {
	VerityGeometry
	Data, HashDevice string
	UUID             *[16]byte // nil: random
	GivenUUID        string    // as the report shows it; "" for the canonical form
	RootHashFile     string    // "": none
	Compat           string    // 2.6 or 2.8
	JSON             bool
}

// veritysetupFormat makes a hash tree. Parameters are checked in veritysetup's order,
// which decides between the statuses 1 and 4.
func veritysetupFormat(r *run, c *popt.Line) error {
	o := VerityFormat{
		Data: c.Words[0], HashDevice: c.Words[1], JSON: c.Has("json"),
		RootHashFile: c.Values["root-hash-file"],
	}
	o.Compat, _ = styleOf(c)
	o.NoSuperblock = c.Has("no-superblock")
	if err := o.read(c); err != nil {
		return err
	}
	r.warnRagged(o.Data, o.VerityGeometry)
	err := r.bodies.Verity.Format(r.ctx, r.Streams, o)
	return formatError(err)
}

func (o *VerityFormat) read(c *popt.Line) error {
	if err := checkImage(o.HashDevice, "hash"); err != nil {
		return err
	}
	if err := o.readSalt(c); err != nil {
		return err
	}
	if err := o.readShape(c); err != nil {
		return err
	}
	if c.Number("fec-offset", 0)%sectorSize != 0 {
		return exit.Paramf("Unsupported VERITY FEC offset.")
	}
	if c.Has("fec-device") {
		if err := checkImage(c.Values["fec-device"], "FEC"); err != nil {
			return err
		}
	}
	if err := checkDevice(o.Data); err != nil {
		return err
	}
	if err := o.readHash(c); err != nil {
		return err
	}
	if err := o.readUUID(c); err != nil {
		return err
	}
	if c.Has("root-hash-file") && o.RootHashFile == "" {
		return exit.Paramf("Cannot create root hash file  for writing.")
	}
	if ok := o.readFEC(c); ok || o.FEC.Device == "" {
		return o.checkFEC()
	}
	return exit.Paramf("Invalid number of parity bytes.")
}

func (o *VerityFormat) checkFEC() error {
	if o.FEC.Device != "" && o.DataBlockSize != o.HashBlockSize {
		return exit.Paramf("Block sizes must match for FEC.")
	}
	return nil
}

// readUUID reads --uuid, which the report shows as it was given.
func (o *VerityFormat) readUUID(c *popt.Line) error {
	if !c.Has("uuid") || o.NoSuperblock {
		return nil
	}
	s := c.Values["uuid"]
	groups := strings.Split(s, "-")
	ok := len(groups) == 5
	for i, n := range []int{8, 4, 4, 4, 12} {
		ok = ok && len(groups[i]) == n
	}
	var id [16]byte
	if ok {
		_, err := hex.Decode(id[:], []byte(strings.Join(groups, "")))
		ok = err == nil
	}
	if !ok {
		return exit.Paramf("Wrong VERITY UUID format provided on device %s.", o.HashDevice)
	}
	o.UUID, o.GivenUUID = &id, s
	return nil
}

// warnRagged says what veritysetup passes over: bytes at the end of the data that are
// no whole block, and so no part of the tree.
func (r *run) warnRagged(data string, g VerityGeometry) {
	size := sizeOf(data)
	if rest := size % int64(g.DataBlockSize); size >= int64(g.DataBlockSize) && rest != 0 && g.DataBlocks == 0 {
		r.warnf("the last %d bytes of %s are no whole block: nothing protects them", rest, data)
	}
}

// formatError drops what the report of dmimg says about its own flags.
func formatError(err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return exit.New(exit.Failed, ui.ExitCode(err), exit.Sentence(err))
}
