package kerneltest

import (
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
	"github.com/dmimg/dmimg/tables"
)

// kind is what a device's queue is made for; the first table decides.
type kind int

const (
	kindNone kind = iota
	kindBio
	kindRequest
)

// target is what the fake knows of a target.
type target struct {
	version   [3]uint32
	immutable bool // once loaded, only a table of the same target or of error may follow
	request   bool // request-based
	hybrid    bool // request-based where the device is
	readOnly  bool // refuses a table that may be written to
	writable  bool // refuses a read-only table
}

// builtinTargets are those of Linux 6.12, with its versions.
func builtinTargets() map[string]*target {
	return map[string]*target{
		"linear":          {version: [3]uint32{1, 4, 0}},
		"striped":         {version: [3]uint32{1, 6, 0}},
		"error":           {version: [3]uint32{1, 7, 0}, hybrid: true},
		"zero":            {version: [3]uint32{1, 2, 0}},
		"delay":           {version: [3]uint32{1, 4, 0}},
		"flakey":          {version: [3]uint32{1, 5, 0}},
		"dust":            {version: [3]uint32{1, 0, 0}},
		"ebs":             {version: [3]uint32{1, 0, 1}},
		"unstriped":       {version: [3]uint32{1, 1, 0}},
		"switch":          {version: [3]uint32{1, 1, 0}},
		"log-writes":      {version: [3]uint32{1, 1, 0}},
		"crypt":           {version: [3]uint32{1, 27, 0}},
		"verity":          {version: [3]uint32{1, 10, 0}, readOnly: true},
		"integrity":       {version: [3]uint32{1, 13, 0}},
		"snapshot":        {version: [3]uint32{1, 16, 0}},
		"snapshot-origin": {version: [3]uint32{1, 9, 0}},
		"snapshot-merge":  {version: [3]uint32{1, 5, 0}},
		"thin":            {version: [3]uint32{1, 23, 0}},
		"thin-pool":       {version: [3]uint32{1, 23, 0}, immutable: true, writable: true},
		"cache":           {version: [3]uint32{2, 2, 0}},
		"era":             {version: [3]uint32{1, 0, 0}},
		"clone":           {version: [3]uint32{1, 0, 0}},
		"writecache":      {version: [3]uint32{1, 6, 0}},
		"mirror":          {version: [3]uint32{1, 14, 0}},
		"raid":            {version: [3]uint32{1, 15, 1}},
		"multipath":       {version: [3]uint32{1, 14, 0}, immutable: true, request: true},
	}
}

// load stages a table.
func (r *request) load() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	specs, err := r.k.codec.Specs(r.data, int(r.header.TargetCount), dmioctl.FromSpec)
	if err != nil || len(specs) == 0 || r.header.DataStart%8 != 0 || r.header.DataStart < dmioctl.HeaderSize {
		if err != nil {
			r.k.complain("load: %v", err)
		}
		return syscall.EINVAL
	}
	t := &table{readOnly: r.header.Flags&dmioctl.FlagReadOnly != 0}
	if err := r.k.build(d, t, specs); err != nil {
		return err
	}
	if t.outside && !d.disk { // later tables are measured when they are resumed
		return syscall.EINVAL
	}
	if err := r.k.mayReplace(d, t); err != nil {
		return err
	}
	old := d.staged
	d.staged, d.kind, d.disk = t, t.kind, true
	r.k.discard(old)
	r.about(d)
	return nil
}

// build makes a table of what was sent: checks of the table as a whole, of its words, and
// of the devices they name.
func (k *Kernel) build(d *device, t *table, specs []dmioctl.Spec) error {
	var typed []tables.Table
	for _, s := range specs {
		target := k.targets[s.Target]
		if target == nil || s.Length == 0 {
			return syscall.EINVAL
		}
		if target.readOnly && !t.readOnly || target.writable && t.readOnly {
			return syscall.EINVAL
		}
		kind := target.kind(d)
		if t.kind != kindNone && t.kind != kind {
			return syscall.EINVAL
		}
		t.kind = kind
		line := tables.Line{Start: s.Start, Length: s.Length, Target: s.Target, Params: s.Params}
		table, err := line.Table()
		if err != nil {
			return syscall.EINVAL
		}
		typed = append(typed, table)
		if err := k.resolve(d, t, &s, table); err != nil {
			return err
		}
		t.specs = append(t.specs, s)
		t.status = append(t.status, firstStatus(s))
	}
	if !inOrder(specs) || tables.Validate(typed...) != nil {
		return syscall.EINVAL
	}
	return nil
}

// kind is what a target needs the queue of a device to be. The target error can do with
// either.
func (t *target) kind(d *device) kind {
	if t.request || t.hybrid && d.kind == kindRequest {
		return kindRequest
	}
	return kindBio
}

// firstStatus is the status of a target until SetStatus: that of stripes, which depends on
// nothing but their devices, or nothing.
func firstStatus(s dmioctl.Spec) string {
	words := strings.Fields(s.Params)
	if s.Target != "striped" || len(words) < 2 {
		return ""
	}
	status := []string{words[0]}
	for i := 2; i < len(words); i += 2 {
		status = append(status, words[i])
	}
	return strings.Join(status, " ") + " 1 " + strings.Repeat("A", len(status)-1)
}

// inOrder reports whether targets follow each other without a gap.
func inOrder(specs []dmioctl.Spec) bool {
	at := uint64(0)
	for _, s := range specs {
		if s.Start != at {
			return false
		}
		at += s.Length
	}
	return true
}

// resolve finds the devices of a target, and writes their numbers where their paths stood,
// as the kernel prints them.
func (k *Kernel) resolve(d *device, t *table, s *dmioctl.Spec, table tables.Table) error {
	words := strings.Split(s.Params, " ")
	for _, path := range tables.Devices(table) {
		devno, sectors, err := k.lookup(path)
		if err != nil {
			return err
		}
		if devno == d.devno {
			return syscall.EINVAL
		}
		if l, ok := table.(tables.LinearTable); ok && l.BackendOffset/kernel.SectorSize+s.Length > sectors {
			t.outside = true
		}
		if !slices.Contains(t.deps, devno) {
			t.deps = slices.Insert(t.deps, 0, devno)
		}
		for i, w := range words {
			if w == path {
				words[i] = kernel.ByDevno(devno).String()
			}
		}
	}
	s.Params = strings.Join(words, " ")
	return nil
}

// lookup finds the device of a path or a major:minor.
func (k *Kernel) lookup(path string) (devno, sectors uint64, err error) {
	for _, d := range k.disks {
		if d.path == path || kernel.ByDevno(d.devno).String() == path {
			if d.claimed {
				return 0, 0, syscall.EBUSY
			}
			return d.devno, d.sectors, nil
		}
	}
	for _, d := range k.devices {
		if kernel.ByDevno(d.devno).String() != path && k.udev.follow(path) != d.devno {
			continue
		}
		if d.live != nil {
			last := d.live.specs[len(d.live.specs)-1]
			sectors = last.Start + last.Length
		}
		return d.devno, sectors, nil
	}
	if major, minor, ok := strings.Cut(path, ":"); ok && isNumber(major) && isNumber(minor) {
		return 0, 0, syscall.ENXIO
	}
	return 0, 0, syscall.ENOENT
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// mayReplace says whether a table may follow the ones that a device had.
func (k *Kernel) mayReplace(d *device, t *table) error {
	if d.kind != kindNone && d.kind != t.kind {
		return syscall.EINVAL
	}
	if d.live == nil || !k.targets[d.live.specs[0].Target].immutable {
		return nil
	}
	if name := t.specs[0].Target; name != d.live.specs[0].Target && name != "error" {
		return syscall.EINVAL
	}
	return nil
}
