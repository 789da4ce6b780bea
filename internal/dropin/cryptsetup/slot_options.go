package cryptsetup

import (
	"errors"
	"runtime"
	"time"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/hashes"
)

// Numbers of slots.
const (
	slots1 = 8
	slots2 = 32
)

// checkSlot demands a number that a slot of the version can have.
func checkSlot(version, id int) error {
	most := slots2
	if version == 1 {
		most = slots1
	}
	if id < 0 || id >= most {
		return exit.Paramf("Key slot %d is invalid, please select between 0 and %d.", id, most-1)
	}
	return nil
}

// slotOptions are the options of a new key slot, but for its number, which is any.
func (r *run) slotOptions(version int) (o luks.SlotOptions, err error) {
	o = luks.SlotOptions{
		Slot: luks.AnySlot, Cipher: r.Values["keyslot-cipher"], KeySize: int(r.Number("keyslot-key-size", 0) / 8),
		Cost: luks.Cost{
			Type: r.Values["pbkdf"], Iterations: int64(r.Number("pbkdf-force-iterations", 0)),
			Memory: int64(r.Number("pbkdf-memory", 0)), Parallel: lanes(r.Number("pbkdf-parallel", 0)),
			Time: time.Duration(r.Number("iter-time", 0)) * time.Millisecond,
		},
	}
	if r.Has("hash") {
		if _, err := hashes.Lookup(r.Values["hash"]); err != nil {
			return o, exit.Paramf("Requested hash %s is not supported.\nFailed to set pbkdf parameters.", r.Values["hash"])
		}
		o.Cost.Hash, o.AFHash = r.Values["hash"], r.Values["hash"]
	}
	if version == 1 {
		o.AFHash = ""
		switch {
		case o.Cipher != "":
			return o, exit.Paramf("Keyslot encryption parameters can be set only for LUKS2 device.")
		case o.Cost.Type != "" && o.Cost.Type != "pbkdf2":
			return o, exit.Paramf("Requested PBKDF type is not supported for LUKS1.\nFailed to set pbkdf parameters.")
		}
		o.Cost.Type = "pbkdf2"
	}
	return o, checkCost(o.Cost)
}

// lanes is what cryptsetup makes of --pbkdf-parallel: no more than the machine has cores, and
// four at most.
func lanes(given uint64) int64 { return int64(min(given, uint64(runtime.NumCPU()), 4)) }

// checkCost refuses costs that cryptsetup refuses, in its words.
func checkCost(c luks.Cost) error {
	kind, least := c.Type, int64(4)
	switch kind {
	case "":
		kind = "argon2id"
	case "pbkdf2":
		least = 1000
	}
	switch {
	case c.Iterations != 0 && c.Iterations < least:
		return exit.Paramf("Forced iteration count is too low for %s (minimum is %d).\nFailed to set pbkdf parameters.", kind, least)
	case kind == "pbkdf2":
	case c.Memory != 0 && c.Memory < 32:
		return exit.Paramf("Forced memory cost is too low for %s (minimum is 32 kilobytes).\nFailed to set pbkdf parameters.", kind)
	case c.Memory > 4<<20:
		return exit.Paramf("Requested maximum PBKDF memory cost is too high (maximum is %d kilobytes).\nFailed to set pbkdf parameters.", 4<<20)
	}
	return nil
}

// explainEdit gives the error of a change to a header cryptsetup's words and status.
func (r *run) explainEdit(h *luks.Header, slot int, err error) error {
	switch {
	case err == nil, r.ctx.Err() != nil:
		return err
	case errors.Is(err, luks.ErrSlotInUse):
		return exit.Paramf("Key slot %d is full, please select another one.", slot)
	case errors.Is(err, luks.ErrNoRoom) && (h.Version == 1 || len(h.V2.Metadata.Keyslots) >= slots2):
		return exit.Failf("All key slots full.")
	case errors.Is(err, luks.ErrNoRoom):
		return exit.Failf("No space for new keyslot.")
	case errors.Is(err, luks.ErrCostly):
		return exit.New(exit.NoMemory, ui.ExitFailed, sentence(err))
	}
	return exit.New(exit.Failed, ui.ExitCode(err), sentence(err))
}

// slotIDs are the numbers of the slots in use.
func slotIDs(h *luks.Header) (ids []int) {
	for id := range slots2 {
		if isSlot(h, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// isSlot reports whether a slot is in use.
func isSlot(h *luks.Header, id int) bool {
	if h.Version == 1 {
		return id >= 0 && id < slots1 && h.V1.Slots[id].Active
	}
	return h.V2.Metadata.Keyslots[id] != nil
}

// boundSlots are the numbers of the slots that open data.
func boundSlots(h *luks.Header) (ids []int) {
	for _, id := range slotIDs(h) {
		if !isUnbound(h, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
