package dropin

import "github.com/dmimg/dmimg/internal/dropin/popt"

// VerityDump is what the action dump is told.
type VerityDump struct {
	HashDevice string
	HashOffset int64     // bytes
	FEC        VerityFEC // Roots 0: without the lines about FEC
	Compat     string    // 2.6 or 2.8
	JSON       bool
}

// veritysetupDump prints what a superblock says. Options about the tree are taken and
// ignored, as veritysetup does.
func veritysetupDump(r *run, c *popt.Line) error {
	o := VerityDump{HashDevice: c.Words[0], JSON: c.Has("json")}
	o.Compat, _ = styleOf(c)
	if err := checkDevice(o.HashDevice); err != nil {
		return err
	}
	var g VerityGeometry
	if err := g.readHashOffset(c); err != nil {
		return err
	}
	o.HashOffset = g.HashOffset
	if err := checkSuperblock(o.HashDevice, o.HashOffset); err != nil {
		return err
	}
	if c.Has("fec-device") {
		if ok := g.readFEC(c); !ok {
			r.warnf("invalid number of parity bytes: nothing is said about FEC")
			g.FEC = VerityFEC{}
		} else if err := checkDevice(g.FEC.Device); err != nil {
			return err
		}
		o.FEC = g.FEC
	}
	return formatError(r.bodies.Verity.Dump(r.ctx, r.Streams, o))
}
