package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// recorder is a test that collects what the fake complains about.
type recorder struct {
	testing.TB
	complaints []string
	cleanups   []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.complaints = append(r.complaints, fmt.Sprintf(format, args...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Helper()          {}

func (r *recorder) end() {
	for _, f := range r.cleanups {
		f()
	}
}

// raw issues a command with a buffer of the test's making.
func raw(t *testing.T, k *Kernel, command dmioctl.Command, buf []byte) error {
	t.Helper()
	f, err := k.OpenControl("")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return f.Ioctl(uint32(command), buf)
}

func requestOf(t *testing.T, h dmioctl.Header, p dmioctl.Payload, room int) []byte {
	t.Helper()
	b, err := dmioctl.Native.Encode(h, p, room)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// made is a fake with the device "data", UUID "u", number 253:0.
func made(t *testing.T, r *recorder, o Options) *Kernel {
	t.Helper()
	k := New(r, o)
	h := dmioctl.Header{Name: "data", UUID: "u"}
	if err := raw(t, k, dmioctl.CmdCreate, requestOf(t, h, nil, 0)); err != nil {
		t.Fatal(err)
	}
	return k
}

// TestRequestsAreChecked hands in what a kernel refuses.
func TestRequestsAreChecked(t *testing.T) {
	t.Parallel()
	devno := kernel.Mkdev(Major, 0)
	zero := dmioctl.Specs{List: []dmioctl.Spec{{Length: 8, Target: "zero"}}}
	order := dmioctl.Native.Order
	change := func(b []byte, f func(b []byte)) []byte { f(b); return b }
	for name, e := range map[string]struct {
		command dmioctl.Command
		buf     []byte
		want    error
	}{
		"good":             {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Name: "data"}, nil, 0), nil},
		"by UUID":          {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{UUID: "u"}, nil, 0), nil},
		"by number":        {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Dev: devno}, nil, 0), nil},
		"name and UUID":    {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Name: "data", UUID: "u"}, nil, 0), syscall.EINVAL},
		"name and number":  {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Name: "data", Dev: devno}, nil, 0), syscall.ENXIO},
		"UUID and number":  {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{UUID: "u", Dev: devno}, nil, 0), syscall.ENXIO},
		"nothing":          {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{}, nil, 0), syscall.ENXIO},
		"part of a UUID":   {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{UUID: "uu"}, nil, 0), syscall.ENXIO},
		"no name":          {dmioctl.CmdCreate, requestOf(t, dmioctl.Header{UUID: "v"}, nil, 0), syscall.EINVAL},
		"slash":            {dmioctl.CmdCreate, requestOf(t, dmioctl.Header{Name: "a/b"}, nil, 0), syscall.EINVAL},
		"name taken":       {dmioctl.CmdCreate, requestOf(t, dmioctl.Header{Name: "data"}, nil, 0), syscall.EBUSY},
		"UUID taken":       {dmioctl.CmdCreate, requestOf(t, dmioctl.Header{Name: "x", UUID: "u"}, nil, 0), syscall.EBUSY},
		"minor too large":  {dmioctl.CmdCreate, requestOf(t, dmioctl.Header{Name: "x", Dev: kernel.Mkdev(0, 1<<20), Flags: dmioctl.FlagPersistentDev}, nil, 0), syscall.ENXIO}, // it is cut to 0
		"minor taken":      {dmioctl.CmdCreate, requestOf(t, dmioctl.Header{Name: "x", Flags: dmioctl.FlagPersistentDev}, nil, 0), syscall.ENXIO},
		"unknown command":  {18, requestOf(t, dmioctl.Header{}, nil, 0), syscall.ENOTTY},
		"version 3":        {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Version: [3]uint32{3, 0, 0}, Name: "data"}, nil, 0), syscall.EINVAL},
		"version 4.49":     {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Version: [3]uint32{4, 49, 0}, Name: "data"}, nil, 0), syscall.EINVAL},
		"version 4.48.99":  {dmioctl.CmdInfo, requestOf(t, dmioctl.Header{Version: [3]uint32{4, 48, 99}, Name: "data"}, nil, 0), nil},
		"size too small":   {dmioctl.CmdInfo, change(requestOf(t, dmioctl.Header{Name: "data"}, nil, 0), func(b []byte) { order.PutUint32(b[12:], 304) }), syscall.EINVAL},
		"size too large":   {dmioctl.CmdInfo, change(requestOf(t, dmioctl.Header{Name: "data"}, nil, 0), func(b []byte) { order.PutUint32(b[12:], 1<<30+1) }), syscall.EINVAL},
		"past the buffer":  {dmioctl.CmdInfo, change(requestOf(t, dmioctl.Header{Name: "data"}, nil, 0), func(b []byte) { order.PutUint32(b[12:], 400) }), syscall.EFAULT},
		"no buffer":        {dmioctl.CmdInfo, make([]byte, 100), syscall.EFAULT},
		"no targets":       {dmioctl.CmdLoad, requestOf(t, dmioctl.Header{Name: "data"}, nil, 0), syscall.EINVAL},
		"target":           {dmioctl.CmdLoad, requestOf(t, dmioctl.Header{Name: "data", TargetCount: 1}, zero, 0), nil},
		"target not there": {dmioctl.CmdLoad, requestOf(t, dmioctl.Header{Name: "data", TargetCount: 2}, zero, 0), syscall.EINVAL},
		"data not aligned": {dmioctl.CmdLoad, change(requestOf(t, dmioctl.Header{Name: "data", TargetCount: 1}, zero, 100), func(b []byte) { order.PutUint32(b[16:], 313); copy(b[313:], bytes.Clone(b[312:400])) }), syscall.EINVAL},
		"empty new name":   {dmioctl.CmdRename, requestOf(t, dmioctl.Header{Name: "data"}, dmioctl.String(""), 0), syscall.EINVAL},
		"long new name":    {dmioctl.CmdRename, requestOf(t, dmioctl.Header{Name: "data"}, dmioctl.String(strings.Repeat("n", 128)), 0), syscall.EINVAL},
		"new name control": {dmioctl.CmdRename, requestOf(t, dmioctl.Header{Name: "data"}, dmioctl.String("control"), 0), syscall.EINVAL},
		"message cut":      {dmioctl.CmdMessage, requestOf(t, dmioctl.Header{Name: "data"}, dmioctl.Bytes("12345678"), 0), syscall.EINVAL},
		"geometry":         {dmioctl.CmdSetGeometry, requestOf(t, dmioctl.Header{Name: "data"}, dmioctl.String("1 2 3"), 0), syscall.EINVAL},
	} {
		r := &recorder{TB: t}
		k := made(t, r, Options{})
		err := raw(t, k, e.command, e.buf)
		if !errors.Is(err, e.want) || (err == nil) != (e.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, e.want)
		}
		if v := dmioctl.Native.Version(e.buf); len(e.buf) > 300 && v != [3]uint32{4, 48, 0} {
			t.Errorf("%s: the version in the answer is %v", name, v)
		}
	}
}

// TestAnswersAreNoRequests sends an answer back: it names the device three times.
func TestAnswersAreNoRequests(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	k := made(t, r, Options{})
	buf := requestOf(t, dmioctl.Header{Name: "data"}, nil, 0)
	if err := raw(t, k, dmioctl.CmdInfo, buf); err != nil {
		t.Fatal(err)
	}
	h, err := dmioctl.Native.Header(buf)
	if err != nil || h.Name != "data" || h.UUID != "u" || h.Dev != kernel.Mkdev(Major, 0) || h.DataSize != dmioctl.MinHeaderSize {
		t.Errorf("answer: %+v, %v", h, err)
	}
	if err := raw(t, k, dmioctl.CmdInfo, buf); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("the answer as a request: %v", err)
	}
}

// TestSecureBuffersAreWiped looks at buffers after calls that failed, on kernels that wipe and
// on one that does not know the flag.
func TestSecureBuffersAreWiped(t *testing.T) {
	t.Parallel()
	for minor, wiped := range map[uint32]bool{19: false, 20: true, 48: true} {
		r := &recorder{TB: t}
		k := made(t, r, Options{Minor: minor})
		h := dmioctl.Header{Name: "data", TargetCount: 1, Flags: dmioctl.FlagSecureData}
		buf := requestOf(t, h, dmioctl.Specs{List: []dmioctl.Spec{{Length: 8, Target: "nosuch", Params: "secret"}}}, 0)
		if err := raw(t, k, dmioctl.CmdLoad, buf); !errors.Is(err, syscall.EINVAL) {
			t.Errorf("load: %v", err)
		}
		if left := bytes.Contains(buf, []byte("secret")) || bytes.Contains(buf, []byte("data")); left == wiped {
			t.Errorf("minor %d: something is left: %t", minor, left)
		}
	}
}

// TestComplaints hands in what a kernel takes without a word.
func TestComplaints(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]struct {
		do   func(k *Kernel)
		want string
	}{
		"padding": {func(k *Kernel) {
			buf := requestOf(t, dmioctl.Header{Name: "data"}, nil, 0)
			buf[37] = 1
			_ = raw(t, k, dmioctl.CmdInfo, buf)
		}, "padding"},
		"behind the name": {func(k *Kernel) {
			buf := requestOf(t, dmioctl.Header{Name: "data"}, nil, 0)
			buf[60] = 1
			_ = raw(t, k, dmioctl.CmdInfo, buf)
		}, "bytes behind the end"},
		"no flags": {func(k *Kernel) {
			_ = raw(t, k, dmioctl.CmdRemove, requestOf(t, dmioctl.Header{Name: "data"}, nil, 0))
		}, "DM_UDEV_PRIMARY_SOURCE_FLAG"},
		"semaphore": {func(k *Kernel) { _, _ = k.Semget(0x0d4d1234, true) }, "0xd4d1234 was left behind"},
		"node":      {func(k *Kernel) { k.AddNode("x", Node{Devno: 5}) }, "node /dev/mapper/x"},
		"open":      {func(k *Kernel) { _, _ = k.OpenControl("") }, "1 control devices are still open"},
		"overlap": {func(k *Kernel) {
			p := dmioctl.Specs{List: []dmioctl.Spec{{Length: 8, Target: "zero", Params: "12345678"}, {Start: 8, Length: 8, Target: "zero"}}}
			buf := requestOf(t, dmioctl.Header{Name: "data", TargetCount: 2}, p, 0)
			dmioctl.Native.Order.PutUint32(buf[dmioctl.HeaderSize+20:], 40)
			_ = raw(t, k, dmioctl.CmdLoad, buf)
		}, "begins at 40"},
	} {
		for _, tolerant := range []bool{false, true} {
			r := &recorder{TB: t}
			k := made(t, r, Options{Tolerant: tolerant})
			e.do(k)
			r.end()
			said := strings.Join(r.complaints, "\n")
			if tolerant && said != "" || !tolerant && !strings.Contains(said, e.want) {
				t.Errorf("%s, tolerant %t: %q, want %q", name, tolerant, said, e.want)
			}
		}
	}
}

// TestTables loads what a kernel takes and refuses.
func TestTables(t *testing.T) {
	t.Parallel()
	const ro = dmioctl.FlagReadOnly
	spec := func(target, params string) []dmioctl.Spec {
		return []dmioctl.Spec{{Length: 8, Target: target, Params: params}}
	}
	verity := "1 7:0 7:0 512 512 1 1 sha256 " + strings.Repeat("0", 64) + " -"
	multipath := "0 0 1 1 round-robin 0 1 1 7:0 1"
	for name, e := range map[string]struct {
		before, specs []dmioctl.Spec // before is made live
		flags         uint32
		want          error
	}{
		"linear":              {nil, spec("linear", "/dev/sda 0"), 0, nil},
		"linear by number":    {nil, spec("linear", "7:0 0"), 0, nil},
		"no such device":      {nil, spec("linear", "/dev/sdz 0"), 0, syscall.ENOENT},
		"claimed":             {nil, spec("linear", "/dev/claimed 0"), 0, syscall.EBUSY},
		"past the end":        {nil, spec("linear", "/dev/sda 2047"), 0, syscall.EINVAL},
		"words":               {nil, spec("linear", "/dev/sda"), 0, syscall.EINVAL},
		"no such target":      {nil, spec("nosuch", ""), 0, syscall.EINVAL},
		"length 0":            {nil, []dmioctl.Spec{{Target: "zero"}}, 0, syscall.EINVAL},
		"not from 0":          {nil, []dmioctl.Spec{{Start: 8, Length: 8, Target: "zero"}}, 0, syscall.EINVAL},
		"gap":                 {nil, []dmioctl.Spec{{Length: 8, Target: "zero"}, {Start: 9, Length: 8, Target: "zero"}}, 0, syscall.EINVAL},
		"verity":              {nil, spec("verity", verity), ro, nil},
		"verity, writable":    {nil, spec("verity", verity), 0, syscall.EINVAL},
		"pool, read-only":     {nil, spec("thin-pool", "7:0 7:1 128 0"), ro, syscall.EINVAL},
		"kinds mixed":         {nil, append(spec("zero", ""), dmioctl.Spec{Start: 8, Length: 8, Target: "multipath", Params: multipath}), 0, syscall.EINVAL},
		"kind changed":        {spec("zero", ""), spec("multipath", multipath), 0, syscall.EINVAL},
		"immutable":           {spec("multipath", multipath), spec("multipath", multipath), 0, nil},
		"another one follows": {spec("zero", ""), spec("error", ""), 0, nil},
		"pool replaced":       {spec("thin-pool", "7:0 7:1 128 0"), spec("zero", ""), 0, syscall.EINVAL},
		"pool by error":       {spec("thin-pool", "7:0 7:1 128 0"), spec("error", ""), 0, nil},
	} {
		r := &recorder{TB: t}
		k := made(t, r, Options{})
		k.AddDisk("/dev/sda", 1<<20)
		k.AddDisk("/dev/sdb", 1<<20)
		k.AddDisk("/dev/claimed", 1<<20)
		k.Claim("/dev/claimed", true)
		load := func(specs []dmioctl.Spec, flags uint32) error {
			h := dmioctl.Header{Name: "data", TargetCount: uint32(len(specs)), Flags: flags}
			return raw(t, k, dmioctl.CmdLoad, requestOf(t, h, dmioctl.Specs{List: specs}, 0))
		}
		if e.before != nil {
			h := dmioctl.Header{Name: "data", EventNr: uint32(kernel.UdevPrimarySource) << 16}
			if err := errors.Join(load(e.before, 0), raw(t, k, dmioctl.CmdSuspend, requestOf(t, h, nil, 0))); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := load(e.specs, e.flags); !errors.Is(err, e.want) || (err == nil) != (e.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, e.want)
		}
	}
}

// TestHolders counts a device under another one as open.
func TestHolders(t *testing.T) {
	t.Parallel()
	k := New(t, Options{})
	c := k.Open(kernel.Options{})
	if err := c.ArmPoll(); err != nil {
		t.Fatal(err)
	}
	r := &recorder{TB: t}
	low := made(t, r, Options{})
	_ = low.Hold("data")
	h := dmioctl.Header{Name: "data", EventNr: uint32(kernel.UdevPrimarySource) << 16}
	if err := raw(t, low, dmioctl.CmdRemove, requestOf(t, h, nil, 0)); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("remove of a device that is held: %v", err)
	}
	if s := low.String(); s != "fake kernel with interface 4.48.0" {
		t.Errorf("%q", s)
	}
}

// TestRequireSkips is a machine without device-mapper, unless it has one.
func TestRequireSkips(t *testing.T) {
	t.Parallel()
	c := Require(t)
	name := Name(t, c, t.Name())
	if !strings.HasSuffix(name, Suffix) || strings.Contains(name, "/") {
		t.Errorf("name %q", name)
	}
	Remove(t, c, name) // there is none
	r := &recorder{TB: t}
	Remove(r, c, "root")
	if len(r.complaints) != 1 {
		t.Errorf("removing a device that is no test's: %q", r.complaints)
	}
}
