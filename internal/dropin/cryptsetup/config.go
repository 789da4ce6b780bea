package cryptsetup

import (
	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// priorities are the words of --priority.
var priorities = map[string]int64{"ignore": 0, "normal": 1, "prefer": 2}

// config sets labels and priorities.
func (r *run) config() error {
	if !r.Has("priority") && !r.Has("label") && !r.Has("subsystem") {
		return exit.Paramf("Option --priority, --label or --subsystem is missing.")
	}
	return r.edit2(func(d *device, e *luks.Editor) error {
		if r.Has("priority") {
			id := r.Int("key-slot", 0)
			if err := checkSlot(2, id); err != nil {
				return err
			}
			if !isSlot(d.header, id) {
				return exit.Failf("Keyslot %d is not active.", id)
			}
			if err := e.SetPriority(id, priorities[r.Values["priority"]]); err != nil {
				return r.explainEdit(d.header, id, err)
			}
		}
		if !r.Has("label") && !r.Has("subsystem") {
			return nil
		}
		return r.explainEdit(d.header, 0, e.SetLabel(r.text("label"), r.text("subsystem")))
	})
}

// text is the value of an option, nil if it was not given.
func (r *run) text(long string) *string {
	if !r.Has(long) {
		return nil
	}
	s := r.Values[long]
	return &s
}
