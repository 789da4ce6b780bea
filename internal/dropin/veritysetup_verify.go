package dropin

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// VerityVerify is what the action verify is told. With a superblock the geometry of
// the options does not count, except HashOffset and FEC.
type VerityVerify struct {
	VerityGeometry
	Data, HashDevice string
	Root             []byte
}

// VerityVerdict is the result of a check.
type VerityVerdict struct {
	OK bool
	// Mismatch is the first block, from the data up, that is not what the tree
	// stores about it; nil if all agree, so that only the root hash is another.
	Mismatch *VerityMismatch
	// Parity is what the FEC device makes of it; nil without one.
	Parity *VerityParity
}

// VerityMismatch is a block that is not what the tree says.
type VerityMismatch struct {
	Spare    bool  // bytes that must be zero are not; else the digest differs
	Position int64 // bytes from the start of its device
}

// VerityParity says what parity can do about damage.
type VerityParity struct {
	Errors     uint64 // codewords that are not right
	Repairable bool   // without knowing where the damage is, and the root hash proves the result
	Reason     string // why not
}

// veritysetupVerify checks an image against its root hash.
func veritysetupVerify(r *run, c *popt.Line) error {
	o := VerityVerify{Data: c.Words[0], HashDevice: c.Words[1]}
	o.NoSuperblock = c.Has("no-superblock")
	if err := o.readVerify(c); err != nil {
		return err
	}
	if o.NoSuperblock {
		r.warnRagged(o.Data, o.VerityGeometry)
	}
	verdict, err := r.bodies.Verity.Verify(r.ctx, o)
	if err != nil {
		return formatError(err)
	}
	return r.judge(verdict, o.FEC)
}

// readVerify reads and checks what verify and open share, in veritysetup's order.
func (o *VerityVerify) readVerify(c *popt.Line) error {
	text, err := rootText(c)
	if err != nil {
		return err
	}
	for _, path := range []string{o.HashDevice, o.Data} {
		if err := checkDevice(path); err != nil {
			return err
		}
	}
	if err := o.readOptions(c); err != nil {
		return err
	}
	if o.Root, err = hex.DecodeString(text); err != nil || len(o.Root) == 0 {
		return exit.Paramf("Invalid root hash string specified.")
	}
	return o.checkSuperblock()
}

func (o *VerityVerify) readOptions(c *popt.Line) error {
	if o.readFEC(c); c.Has("fec-device") { // even ""
		if err := checkDevice(o.FEC.Device); err != nil {
			return err
		}
	}
	if !o.NoSuperblock {
		return o.readHashOffset(c)
	}
	if err := o.readSalt(c); err != nil {
		return err
	}
	if o.Salt == nil {
		o.Salt = []byte{}
	}
	if err := o.readShape(c); err != nil {
		return err
	}
	return o.readHash(c)
}

func (o *VerityVerify) checkSuperblock() error {
	if o.NoSuperblock {
		return nil
	}
	return checkSuperblock(o.HashDevice, o.HashOffset)
}

// maxRootFile is more than any root hash has hex digits.
const maxRootFile = 1024

// rootText is the root hash in hex: from --root-hash-file if that is given, else the
// third argument.
func rootText(c *popt.Line) (string, error) {
	if !c.Has("root-hash-file") {
		if len(c.Words) < 3 {
			return "", exit.Paramf("Command requires <root_hash> or --root-hash-file option as argument.")
		}
		return c.Words[2], nil
	}
	path := c.Values["root-hash-file"]
	f, err := os.Open(path)
	if err != nil {
		return "", exit.Paramf("Cannot read root hash file %s.", path)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxRootFile))
	first, _, _ := strings.Cut(string(b), "\n")
	if err != nil || first == "" {
		return "", exit.Paramf("Invalid root hash file %s.", path)
	}
	return first, nil
}

// judge turns a verdict into words and a status. The root hash alone that differs is
// a wrong parameter to veritysetup, unless there is a FEC device.
func (r *run) judge(v *VerityVerdict, f VerityFEC) error {
	if v.OK {
		return nil
	}
	var lines []string
	status := exit.Mismatch
	switch m := v.Mismatch; {
	case m == nil:
		lines = []string{"Verification of root hash failed."}
		if f.Device == "" {
			status = exit.Failed
		}
	case m.Spare:
		lines = []string{fmt.Sprintf("Spare area is not zeroed at position %d.", m.Position), "Verification of data area failed."}
	default:
		lines = []string{fmt.Sprintf("Verification failed at position %d.", m.Position), "Verification of data area failed."}
	}
	switch p := v.Parity; {
	case p == nil:
	case !p.Repairable && (f.Roots < minRoots || f.Roots > maxRoots):
		lines, status = append(lines, "Invalid number of parity bytes."), exit.Failed
	case !p.Repairable:
		lines = append(lines, "Errors cannot be repaired with FEC device: "+p.Reason+".")
	default:
		lines = append(lines, fmt.Sprintf("Found %d repairable errors with FEC device.", p.Errors))
		if v.Mismatch != nil && !r.strict {
			fmt.Fprintln(r.Err, strings.Join(lines, "\n"))
			r.warnf("the image is damaged, and stays damaged: status 0 only says that it could be repaired")
			return nil
		}
	}
	return exit.New(status, ui.ExitCorrupt, strings.Join(lines, "\n"))
}
