package volume

import (
	"fmt"
	"io"

	"github.com/dmimg/dmimg/tables"
)

// Engine does the reading and writing of one target. Offsets are bytes from
// the start of the target; [Mapped] asks only for whole sectors inside it, and
// may ask concurrently. An engine that is an io.Closer is closed with the
// volume; it closes its own state, never the devices it got from [Env]. Like a
// [Backend] it may be [Extenter], [Discarder], [Blocked] and [Aligned].
type Engine interface {
	io.ReaderAt
	io.WriterAt
}

// TargetFunc opens the engine of one table. t is unwrapped: a struct of
// package tables, not a pointer.
type TargetFunc func(env Env, t tables.Table) (Engine, error)

// Registry holds engines by the kernel's name of the target.
type Registry map[string]TargetFunc

// targets is the list of engines. To add one, write target_<name>.go and a
// line here, and strike the target off the list below.
var targets = []struct {
	name  string
	open  TargetFunc
	write bool
	note  string
}{
	{"crypt", openCrypt, true, "authenticated modes over an integrity device; see dmimg crypt ciphers"},
	{"delay", openDelay, true, "delays are left out"},
	{"error", openError, true, "every access fails, as it should"},
	{"integrity", openIntegrity, true, "modes J, B, D and R; every block is checked against its tag"},
	{"linear", openLinear, true, ""},
	{"striped", openStriped, true, ""},
	{"unstriped", openUnstriped, true, ""},
	{"verity", openVerity, false, "read-only by nature; damaged blocks are recovered from parity"},
	{"zero", openZero, true, "writes are lost, as they should"},
}

// kernelOnly lists the targets without an engine, and why. Opening one fails
// with the reason: never with data that might be wrong.
var kernelOnly = []struct{ name, reason string }{
	{"cache", "needs its metadata device: which blocks are in the cache, and newer there"},
	{"clone", "needs its metadata device: which regions are copied already"},
	{"dust", "needs the list of bad blocks, which messages set in a running kernel"},
	{"ebs", "needs read-modify-write of emulated blocks"},
	{"era", "needs its metadata device: a write must be recorded there"},
	{"flakey", "fails by the clock, which is of use in a running kernel only"},
	{"inlinecrypt", "needs the inline encryption hardware of its device"},
	{"log-writes", "needs its log device: a write must be logged there"},
	{"mirror", "needs its log: which regions of the legs agree"},
	{"multipath", "needs to know which of several paths to a disk are alive"},
	{"pcache", "needs persistent memory, in a format that is still changing"},
	{"raid", "needs the superblocks of its legs: which are fresh, and how they are laid out"},
	{"snapshot", "needs the exception table of its COW device"},
	{"snapshot-merge", "needs the exception table of its COW device"},
	{"snapshot-origin", "needs its snapshots: a write must be copied out to them first"},
	{"switch", "needs the region table, which messages set in a running kernel"},
	{"thin", "needs the mapping trees of its pool's metadata device"},
	{"thin-pool", "needs its metadata device"},
	{"vdo", "needs the block map and the compressed fragments of its volume"},
	{"writecache", "needs the entries of its cache device: which blocks are newer there"},
	{"zoned", "needs the zones of a shingled disk, which an image does not have"},
}

// Builtin returns the engines of this package, in a map of the caller's own.
func Builtin() Registry {
	r := make(Registry, len(targets))
	for _, t := range targets {
		r[t.name] = t.open
	}
	return r
}

// open finds the engine for t and opens it.
func (r Registry) open(env Env, t tables.Table) (Engine, error) {
	name := tables.TargetType(t)
	open, ok := r[name]
	if !ok {
		return nil, unsupported(name)
	}
	return open(env, t)
}

// unsupported says why a target has no engine.
func unsupported(name string) error {
	for _, k := range kernelOnly {
		if k.name == name {
			return fmt.Errorf("%w: %s", ErrUnsupported, k.reason)
		}
	}
	return fmt.Errorf("%w: unknown target", ErrUnsupported)
}

// as returns the table as the struct that an engine expects.
func as[T tables.Table](t tables.Table) (T, error) {
	v, ok := t.(T)
	if !ok {
		return v, fmt.Errorf("%w: a %T where %T belongs", ErrUnsupported, t, v)
	}
	return v, nil
}

// TargetSupport is a row of the support table.
type TargetSupport struct {
	Name        string // as the kernel spells it
	Read, Write bool   // whether a volume with this target can be read, written
	Reason      string // why not, or what to know; may be empty
}

// Support lists every target that package tables knows, in its order.
func Support() []TargetSupport {
	rows := make([]TargetSupport, 0, len(targets)+len(kernelOnly))
	for _, name := range tables.Targets() {
		rows = append(rows, support(name))
	}
	return rows
}

func support(name string) TargetSupport {
	for _, t := range targets {
		if t.name == name {
			return TargetSupport{Name: name, Read: true, Write: t.write, Reason: t.note}
		}
	}
	for _, k := range kernelOnly {
		if k.name == name {
			return TargetSupport{Name: name, Reason: k.reason}
		}
	}
	return TargetSupport{Name: name, Reason: unsupported(name).Error()}
}
