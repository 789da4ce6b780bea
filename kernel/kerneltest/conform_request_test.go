package kerneltest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// diskSize is the size of each of a script's disks, in bytes.
const diskSize = 1 << 20

// subject is a kernel, fake or real, that scripts talk to.
type subject struct {
	kernel.System
	disks   [3]string // DISK0 … in scripts
	numbers [3]uint64
	hold    func(t *testing.T, name string, devno uint64) (release func())

	control kernel.Transport
	minor   uint32            // of the interface
	devices map[string]uint64 // by the names they were made with
	held    map[string]func()
}

func (s *subject) start(t *testing.T) {
	t.Helper()
	control, err := s.OpenControl("/dev/mapper/control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = control.Close() })
	s.control, s.devices, s.held = control, map[string]uint64{}, map[string]func(){}
	buf := s.encode(t, dmioctl.CmdVersion, []string{"version"}, "")
	if err := control.Ioctl(uint32(dmioctl.CmdVersion), buf); err != nil {
		t.Fatal(err)
	}
	s.minor = dmioctl.Native.Version(buf)[1]
}

// awaitGone waits until a device that is to be removed when it is closed is so.
func (s *subject) awaitGone(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		s.answer(t, "arm-poll")
		if s.answer(t, "info name="+name) == " ENXIO\n" {
			return ""
		}
		if err := s.control.Poll(ctx); err != nil {
			t.Fatalf("%s is still there: %v", name, err)
		}
	}
}

// answer does what a line of a script asks for:
//
//	COMMAND [WORD=VALUE…] [ : DATA]
//	hold NAME, release NAME, gone NAME
//
// Words are the fields of the header, and "room", the bytes for an answer. The data of a
// load are lines with ";" between, that of a message is "SECTOR TEXT".
func (s *subject) answer(t *testing.T, request string) string {
	t.Helper()
	words, data, _ := strings.Cut(request, " :")
	data = strings.TrimPrefix(data, " ")
	fields := strings.Fields(words)
	switch fields[0] {
	case "hold":
		s.held[fields[1]] = s.hold(t, fields[1], s.devices[fields[1]])
		return ""
	case "release":
		s.held[fields[1]]()
		return ""
	case "gone":
		return s.awaitGone(t, fields[1])
	}
	command := commandNamed(t, fields[0])
	buf := s.encode(t, command, fields, s.names(data))
	err := s.control.Ioctl(uint32(command), buf)
	return s.describe(t, command, fields, buf, err)
}

// commandNamed finds a command by its name; "resume" and "table" are others with flags.
func commandNamed(t *testing.T, name string) dmioctl.Command {
	t.Helper()
	for c := range dmioctl.Command(32) {
		if c.Known() && c.String() == name {
			return c
		}
	}
	switch name {
	case "resume":
		return dmioctl.CmdSuspend
	case "table":
		return dmioctl.CmdStatus
	}
	t.Fatalf("no command %q", name)
	return 0
}

// names puts the paths of disks and the numbers of devices where DISK0 and #name stand.
func (s *subject) names(text string) string {
	for i, path := range s.disks {
		text = strings.ReplaceAll(text, fmt.Sprintf("DISK%d", i), path)
	}
	words := strings.Split(text, " ")
	for i, w := range words {
		if name, ok := strings.CutPrefix(w, "#"); ok {
			words[i] = kernel.ByDevno(s.devices[name]).String()
		}
	}
	return strings.Join(words, " ")
}

// labels is the inverse of names, for a device number.
func (s *subject) label(devno uint64) string {
	for i, n := range s.numbers {
		if n == devno {
			return fmt.Sprintf("DISK%d", i)
		}
	}
	for name, n := range s.devices {
		if n == devno {
			return "#" + name
		}
	}
	return kernel.ByDevno(devno).String()
}

// labels does it for all words of a text that are numbers of devices.
func (s *subject) labels(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		for _, n := range append(slices.Clone(s.numbers[:]), s.all()...) {
			if w == kernel.ByDevno(n).String() {
				words[i] = s.label(n)
			}
		}
	}
	return strings.Join(words, " ")
}

func (s *subject) all() (list []uint64) {
	for _, n := range s.devices {
		list = append(list, n)
	}
	return list
}

// flagNames are the flags as scripts write them.
var flagNames = []struct {
	name string
	flag uint32
}{
	{"readonly", dmioctl.FlagReadOnly},
	{"suspend", dmioctl.FlagSuspend},
	{"persistent", dmioctl.FlagPersistentDev},
	{"table", dmioctl.FlagStatusTable},
	{"active", dmioctl.FlagActivePresent},
	{"staged", dmioctl.FlagInactivePresent},
	{"full", dmioctl.FlagBufferFull},
	{"skipbdget", dmioctl.FlagSkipBDGet},
	{"skiplockfs", dmioctl.FlagSkipLockFS},
	{"noflush", dmioctl.FlagNoFlush},
	{"inactive", dmioctl.FlagQueryInactive},
	{"uevent", dmioctl.FlagUeventGenerated},
	{"uuid", dmioctl.FlagUUID},
	{"secure", dmioctl.FlagSecureData},
	{"dataout", dmioctl.FlagDataOut},
	{"deferred", dmioctl.FlagDeferredRemove},
	{"internal", dmioctl.FlagInternalSuspend},
	{"ima", dmioctl.FlagIMAMeasurement},
}

// primarySource is the flag that deliberate events need in front of their cookie.
const primarySource = uint32(kernel.UdevPrimarySource) << dmioctl.CookieFlagsShift

// encode makes the buffer of a request.
func (s *subject) encode(t *testing.T, command dmioctl.Command, fields []string, data string) []byte {
	t.Helper()
	var h dmioctl.Header
	switch fields[0] {
	case "suspend":
		h.Flags = dmioctl.FlagSuspend
	case "table":
		h.Flags = dmioctl.FlagStatusTable
	case "resume", "remove", "rename":
		h.EventNr = primarySource
	}
	room, payload := 1024, s.payload(t, command, data, &h)
	for _, f := range fields[1:] {
		word, value, _ := strings.Cut(f, "=")
		switch word {
		case "name":
			h.Name = value
		case "uuid":
			h.UUID = value
		case "room":
			room = number(t, value)
		case "event":
			h.EventNr = uint32(number(t, value))
		case "targets":
			h.TargetCount = uint32(number(t, value))
		case "minor":
			h.Dev = kernel.Mkdev(0, uint32(number(t, value)))
		case "dev":
			if h.Dev = s.devices[value]; h.Dev == 0 {
				h.Dev = uint64(number(t, value))
			}
		case "version":
			h.Version = [3]uint32{4, uint32(number(t, value)), 0}
		case "flags":
			for name := range strings.SplitSeq(value, ",") {
				h.Flags |= flagNamed(t, name)
			}
		default:
			t.Fatalf("no word %q", word)
		}
	}
	buf, err := dmioctl.Native.Encode(h, payload, room)
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

// payload is the data of a request.
func (s *subject) payload(t *testing.T, command dmioctl.Command, data string, h *dmioctl.Header) dmioctl.Payload {
	t.Helper()
	switch command {
	case dmioctl.CmdLoad:
		specs := dmioctl.Specs{Convention: dmioctl.FromSpec}
		for line := range strings.SplitSeq(data, ";") {
			w := strings.SplitN(strings.TrimSpace(line), " ", 4)
			if len(w) < 3 {
				return nil
			}
			spec := dmioctl.Spec{Start: uint64(number(t, w[0])), Length: uint64(number(t, w[1])), Target: w[2]}
			if len(w) > 3 {
				spec.Params = w[3]
			}
			specs.List = append(specs.List, spec)
		}
		h.TargetCount = uint32(len(specs.List))
		return specs
	case dmioctl.CmdMessage:
		sector, text, _ := strings.Cut(data, " ")
		return dmioctl.Message{Sector: uint64(number(t, sector)), Text: []byte(text)}
	case dmioctl.CmdRename, dmioctl.CmdSetGeometry:
		return dmioctl.String(strings.ReplaceAll(data, "LONG", strings.Repeat("n", 127)))
	}
	return nil
}

func flagNamed(t *testing.T, name string) uint32 {
	t.Helper()
	for _, f := range flagNames {
		if f.name == name {
			return f.flag
		}
	}
	t.Fatalf("no flag %q", name)
	return 0
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
