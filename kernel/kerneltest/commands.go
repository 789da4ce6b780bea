package kerneltest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// handlers are the commands.
var handlers = map[dmioctl.Command]func(*request) error{
	dmioctl.CmdRemoveAll:     (*request).removeAll,
	dmioctl.CmdListDevices:   (*request).listDevices,
	dmioctl.CmdCreate:        (*request).create,
	dmioctl.CmdRemove:        (*request).remove,
	dmioctl.CmdRename:        (*request).rename,
	dmioctl.CmdSuspend:       (*request).suspendOrResume,
	dmioctl.CmdInfo:          (*request).info,
	dmioctl.CmdWait:          (*request).wait,
	dmioctl.CmdLoad:          (*request).load,
	dmioctl.CmdClear:         (*request).clear,
	dmioctl.CmdDeps:          (*request).deps,
	dmioctl.CmdStatus:        (*request).status,
	dmioctl.CmdListVersions:  (*request).listVersions,
	dmioctl.CmdMessage:       (*request).message,
	dmioctl.CmdSetGeometry:   (*request).setGeometry,
	dmioctl.CmdArmPoll:       (*request).armPoll,
	dmioctl.CmdTargetVersion: (*request).targetVersion,
}

func (r *request) removeAll() error {
	deferred := r.header.Flags&dmioctl.FlagDeferredRemove != 0 && r.k.options.Minor >= dmioctl.MinorDeferredRemove
	for again := true; again; {
		again = false
		for _, d := range slices.Clone(r.k.devices) {
			switch {
			case r.k.byDevno(d.devno) != d: // went with another
			case r.k.openCount(d) == 0:
				r.k.drop(d, 0)
				again = true
			case deferred:
				d.deferred = true
			}
		}
	}
	r.asSent()
	return nil
}

// minorUUIDs is the interface whose lists have UUIDs. Which one it was in truth is not
// known exactly.
const minorUUIDs = 44

func (r *request) listDevices() error {
	minor := r.k.options.Minor
	var list dmioctl.Names
	for _, d := range r.k.devices {
		if minor >= minorUUIDs && (!strings.HasPrefix(d.name, r.header.Name) || !strings.HasPrefix(d.uuid, r.header.UUID)) {
			continue
		}
		n := dmioctl.Name{Dev: d.devno, Name: d.name, HasEvent: minor >= dmioctl.MinorListEvents, EventNr: d.eventNr}
		if minor >= minorUUIDs && r.header.Flags&dmioctl.FlagUUID != 0 {
			if n.Flags, n.UUID = dmioctl.FlagListHasUUID, d.uuid; d.uuid == "" {
				n.Flags = dmioctl.FlagListHasNoUUID
			}
		}
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b dmioctl.Name) int { return cmp.Compare(a.Name, b.Name) })
	return r.answer(list)
}

func (r *request) create() error {
	h := &r.header
	if err := checkName(h.Name); err != nil {
		return err
	}
	minor := r.k.freeMinor()
	if h.Flags&dmioctl.FlagPersistentDev != 0 {
		_, minor = dmioctl.Split(h.Dev)
		minor &= 1<<20 - 1
	}
	devno := kernel.Mkdev(Major, minor)
	if r.k.byDevno(devno) != nil {
		return syscall.ENXIO
	}
	if r.k.byName(h.Name) != nil || h.UUID != "" && r.k.byUUID(h.UUID) != nil {
		return syscall.EBUSY
	}
	h.Flags &^= dmioctl.FlagInactivePresent
	d := &device{name: h.Name, uuid: h.UUID, devno: devno}
	r.k.devices = append(r.k.devices, d)
	r.k.globalEvent()
	r.about(d)
	return nil
}

func (r *request) remove() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	deferred := r.header.Flags&dmioctl.FlagDeferredRemove != 0 && r.k.options.Minor >= dmioctl.MinorDeferredRemove
	if r.k.openCount(d) > 0 {
		if !deferred {
			return syscall.EBUSY
		}
		d.deferred = true
		return nil
	}
	r.header.Flags &^= dmioctl.FlagDeferredRemove
	r.uevent(d)
	r.k.drop(d, r.sent)
	return nil
}

// uevent says in the answer that udev hears of it, where there is a disk to hear of.
func (r *request) uevent(d *device) {
	r.checkCookie()
	if d.disk {
		r.header.Flags |= dmioctl.FlagUeventGenerated
	}
}

// checkCookie looks for what udev's rules need in a deliberate event.
func (r *request) checkCookie() {
	if kernel.UdevFlags(r.sent>>dmioctl.CookieFlagsShift)&kernel.UdevPrimarySource == 0 {
		r.k.complain("%s: no DM_UDEV_PRIMARY_SOURCE_FLAG in the cookie %#x", r.command, r.sent)
	}
}

func (r *request) rename() error {
	h := &r.header
	text, err := dmioctl.ReadString(r.data)
	isUUID := h.Flags&dmioctl.FlagUUID != 0
	limit := dmioctl.NameSize - 1
	if isUUID {
		limit = dmioctl.UUIDSize - 1
	}
	if err != nil || text == "" || len(text) > limit {
		return syscall.EINVAL
	}
	if !isUUID {
		if err := checkName(text); err != nil {
			return err
		}
	}
	if isUUID && r.k.byUUID(text) != nil || !isUUID && r.k.byName(text) != nil {
		return syscall.EBUSY
	}
	d := r.k.byName(h.Name) // by name only
	if d == nil {
		return syscall.ENXIO
	}
	sent := *h // the names in the answer are those of the request
	old := d.name
	if isUUID {
		if d.uuid != "" {
			return syscall.EINVAL
		}
		d.uuid = text
	} else {
		d.name = text
	}
	if d.live != nil {
		d.eventNr++
	}
	r.k.globalEvent()
	if d.disk {
		r.k.uevent(uevent{action: "change", name: d.name, old: old, devno: d.devno, cookie: r.sent})
	}
	r.about(d)
	h.Name, h.UUID = sent.Name, sent.UUID
	h.Flags &^= dmioctl.FlagInactivePresent
	r.uevent(d)
	return nil
}

func (r *request) suspendOrResume() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	h := &r.header
	if h.Flags&dmioctl.FlagSuspend != 0 {
		d.suspended = true
		r.about(d)
		return nil
	}
	event := d.suspended || d.staged != nil
	if err := r.swap(d); err != nil {
		return err
	}
	if event && d.live == nil {
		return syscall.EINVAL
	}
	d.suspended = false
	r.about(d)
	if event {
		r.checkCookie()
		r.k.uevent(uevent{action: "change", name: d.name, devno: d.devno, cookie: r.sent})
		h.Flags |= dmioctl.FlagUeventGenerated
	}
	return nil
}

// swap makes the staged table the live one. If that cannot be it is gone, and the device
// stays suspended with the table it had.
func (r *request) swap(d *device) error {
	staged := d.staged
	if staged == nil {
		return nil
	}
	d.suspended, d.staged = true, nil
	if staged.outside {
		r.k.discard(staged)
		return syscall.EINVAL
	}
	old := d.live
	d.live = staged
	r.k.discard(old)
	r.k.globalEvent()
	return nil
}

func (r *request) info() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	r.about(d)
	return nil
}

func (r *request) clear() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	old := d.staged
	d.staged = nil
	r.k.discard(old)
	r.about(d)
	return nil
}

func (r *request) deps() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	r.about(d)
	if t := d.asked(r.header.Flags); t != nil {
		return r.answer(dmioctl.Deps(t.deps))
	}
	return nil
}

func (r *request) status() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	return r.lines(d)
}

// lines answers with one line per target.
func (r *request) lines(d *device) error {
	r.about(d)
	t := d.asked(r.header.Flags)
	if t == nil {
		return nil
	}
	specs := slices.Clone(t.specs)
	if r.header.Flags&dmioctl.FlagStatusTable == 0 {
		for i := range specs {
			specs[i].Params = t.status[i]
		}
	}
	return r.answerLines(specs)
}

// wait blocks until the counter differs.
func (r *request) wait() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	for d.eventNr == r.sent {
		changed := r.k.changed
		r.k.mu.Unlock()
		<-changed
		r.k.mu.Lock()
		if r.k.byDevno(d.devno) != d {
			return syscall.ENXIO
		}
	}
	return r.lines(d)
}

func (r *request) armPoll() error {
	r.f.baseline = r.k.events
	return nil
}

func (r *request) setGeometry() error {
	sent := r.header.Dev
	d, err := r.device()
	if err != nil {
		return err
	}
	text, err := dmioctl.ReadString(r.data)
	if err != nil || !validGeometry(strings.Fields(text)) {
		return syscall.EINVAL
	}
	d.geometry = text
	r.header.Dev = sent
	r.asSent()
	return nil
}

// validGeometry: cylinders, heads, sectors, and a start that is inside.
func validGeometry(words []string) bool {
	limits := []uint64{65535, 255, 255, 1<<32 - 1}
	if len(words) != len(limits) {
		return false
	}
	var n [4]uint64
	for i, w := range words {
		var err error
		if n[i], err = strconv.ParseUint(w, 10, 64); err != nil || n[i] > limits[i] {
			return false
		}
	}
	return n[3] <= n[0]*n[1]*n[2]
}

// Geometry is what SetGeometry has set for a device.
func (k *Kernel) Geometry(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.mustFind(name).geometry
}

func (r *request) listVersions() error {
	var list dmioctl.TargetVersions
	for name, t := range r.k.targets {
		list = append(list, dmioctl.TargetVersion{Name: name, Version: t.version})
	}
	slices.SortFunc(list, func(a, b dmioctl.TargetVersion) int { return cmp.Compare(a.Name, b.Name) })
	return r.answerVersions(list)
}

func (r *request) targetVersion() error {
	t := r.k.targets[r.header.Name]
	if t == nil {
		return syscall.EINVAL
	}
	return r.answerVersions(dmioctl.TargetVersions{{Name: r.header.Name, Version: t.version}})
}
