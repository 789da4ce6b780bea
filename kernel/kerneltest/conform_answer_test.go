package kerneltest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// errnoNames are the errors that scripts know.
var errnoNames = map[syscall.Errno]string{
	syscall.EINVAL: "EINVAL", syscall.ENXIO: "ENXIO", syscall.EBUSY: "EBUSY", syscall.ENOENT: "ENOENT",
	syscall.ENOTTY: "ENOTTY", syscall.ENODEV: "ENODEV", syscall.EEXIST: "EEXIST", syscall.EACCES: "EACCES",
	syscall.EPERM: "EPERM", syscall.EFAULT: "EFAULT", syscall.ENOMEM: "ENOMEM", syscall.EROFS: "EROFS",
	syscall.ENOTBLK: "ENOTBLK", syscall.EAGAIN: "EAGAIN",
}

// describe is an answer in the words of scripts: header, then data, a line each.
func (s *subject) describe(t *testing.T, command dmioctl.Command, fields []string, buf []byte, err error) string {
	t.Helper()
	if err != nil {
		return " " + failure(err) + wiped(buf) + "\n"
	}
	h, herr := dmioctl.Native.Header(buf)
	if herr != nil {
		t.Fatal(herr)
	}
	if command == dmioctl.CmdCreate {
		maps.DeleteFunc(s.devices, func(_ string, n uint64) bool { return n == h.Dev }) // it is gone
		s.devices[h.Name] = h.Dev
	}
	var b strings.Builder
	fmt.Fprintf(&b, " ok flags=%s targets=%d open=%d event=%d", flagList(h.Flags), h.TargetCount, h.OpenCount, event(h))
	if h.Name != "" {
		b.WriteString(" name=" + h.Name)
	}
	if h.UUID != "" {
		b.WriteString(" uuid=" + h.UUID)
	}
	if h.Dev != 0 {
		b.WriteString(" dev=" + s.label(h.Dev))
	}
	fmt.Fprintf(&b, " start=%d size=%d\n", h.DataStart, h.DataSize)
	data, derr := dmioctl.Data(buf, h)
	if derr != nil {
		t.Fatalf("%s: %v", strings.Join(fields, " "), derr)
	}
	if h.Flags&dmioctl.FlagBufferFull == 0 {
		b.WriteString(s.data(t, command, h, data))
	}
	return b.String()
}

// event is the event number of an answer; commands that do not fill it in give back the
// cookie.
func event(h dmioctl.Header) uint32 {
	if h.EventNr == primarySource {
		return 0
	}
	return h.EventNr
}

// failure is the name of an error.
func failure(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) && errnoNames[errno] != "" {
		return errnoNames[errno]
	}
	return err.Error()
}

// wiped tells whether a buffer was zeroed; the version is written in any case.
func wiped(buf []byte) string {
	if len(buf) > dmioctl.MinHeaderSize && len(bytes.Trim(buf[12:], "\x00")) == 0 {
		return " wiped"
	}
	return ""
}

func flagList(flags uint32) string {
	var names []string
	for _, f := range flagNames {
		if flags&f.flag != 0 {
			names = append(names, f.name)
			flags &^= f.flag
		}
	}
	if flags != 0 {
		names = append(names, fmt.Sprintf("%#x", flags))
	}
	return strings.Join(names, ",")
}

// data is what follows the header.
func (s *subject) data(t *testing.T, command dmioctl.Command, h dmioctl.Header, data []byte) string {
	t.Helper()
	var b strings.Builder
	var err error
	switch command {
	case dmioctl.CmdListDevices:
		var list []dmioctl.Name
		list, err = dmioctl.Native.Names(data, true)
		for _, n := range list {
			fmt.Fprintf(&b, "  %s event=%d flags=%d uuid=%s\n", n.Name, n.EventNr, n.Flags, n.UUID)
		}
		if len(list) == 0 {
			b.WriteString("  none\n")
		}
	case dmioctl.CmdDeps:
		var list []uint64
		list, err = dmioctl.Native.Deps(data)
		for _, n := range list {
			b.WriteString("  " + s.label(n) + "\n")
		}
	case dmioctl.CmdStatus, dmioctl.CmdWait:
		var list []dmioctl.Spec
		list, err = dmioctl.Native.Specs(data, int(h.TargetCount), dmioctl.FromFirst)
		if len(data) == 0 { // no table: the count is 0 too
			list = nil
		}
		for _, l := range list {
			fmt.Fprintf(&b, "  %d %d %s|%s\n", l.Start, l.Length, l.Target, s.labels(l.Params))
		}
	case dmioctl.CmdTargetVersion:
		var list []dmioctl.TargetVersion
		list, err = dmioctl.Native.TargetVersions(data)
		for _, v := range list {
			fmt.Fprintf(&b, "  %s\n", v.Name)
		}
	case dmioctl.CmdMessage:
		if h.Flags&dmioctl.FlagDataOut != 0 {
			var text string
			text, err = dmioctl.ReadString(data)
			fmt.Fprintf(&b, "  %q\n", text)
		}
	}
	if err != nil {
		fmt.Fprintf(&b, "  cannot be read: %v\n", err)
	}
	return b.String()
}
