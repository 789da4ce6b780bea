package kerneltest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// MessageFunc answers messages to a target. hasReply tells an empty answer from none; err
// is a syscall.Errno.
type MessageFunc func(words []string) (reply string, hasReply bool, err error)

// OnMessage sets what answers messages to a target of this name. Without one they are
// EINVAL, as for targets that take none.
func (k *Kernel) OnMessage(target string, f MessageFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.messages[target] = f
}

func (r *request) message() error {
	d, err := r.device()
	if err != nil {
		return err
	}
	m, err := r.k.codec.Message(r.data)
	if err != nil {
		return syscall.EINVAL
	}
	words := strings.Fields(string(m.Text))
	if len(words) == 0 {
		return syscall.EINVAL
	}
	reply, hasReply, err := r.dispatch(d, m.Sector, words)
	if err != nil {
		return err
	}
	d.header(&r.header)
	if !hasReply {
		return nil
	}
	r.header.Flags |= dmioctl.FlagDataOut
	if len(reply)+1 >= len(r.room) { // so does the kernel: one byte less than fits
		n := copy(r.room, reply)
		clear(r.room[min(n, max(0, len(r.room)-1)):])
		r.header.Flags |= dmioctl.FlagBufferFull
		r.header.DataStart, r.header.DataSize = dmioctl.HeaderSize, uint32(dmioctl.HeaderSize+len(r.room))
		return nil
	}
	return r.answer(dmioctl.String(reply), false)
}

func (r *request) dispatch(d *device, sector uint64, words []string) (string, bool, error) {
	if words[0] == "@cancel_deferred_remove" && len(words) == 1 {
		d.deferred = false
		return "", false, nil
	}
	if name, ok := strings.CutPrefix(words[0], "@stats_"); ok {
		return d.stats.message(name, words[1:])
	}
	if strings.HasPrefix(words[0], "@") || d.live == nil {
		return "", false, syscall.EINVAL
	}
	for _, s := range d.live.specs {
		if sector-s.Start < s.Length {
			if f := r.k.messages[s.Target]; f != nil {
				return f(words)
			}
		}
	}
	return "", false, syscall.EINVAL
}

// statistics are the regions of a device that @stats_ messages keep; nothing is counted.
type statistics struct {
	regions []region
	next    int
}

type region struct {
	id            int
	extent, step  string
	program, data string
}

func (s *statistics) message(name string, words []string) (string, bool, error) {
	switch {
	case name == "create" && len(words) >= 2:
		reg := region{id: s.next, extent: words[0], step: words[1], program: "-", data: "-"}
		if len(words) > 2 {
			reg.program = words[2]
		}
		s.next++
		s.regions = append(s.regions, reg)
		return strconv.Itoa(reg.id), true, nil
	case name == "list" && len(words) <= 1:
		return s.list(words), true, nil
	case len(words) == 0:
		return "", false, syscall.EINVAL
	}
	at := slices.IndexFunc(s.regions, func(r region) bool { return strconv.Itoa(r.id) == words[0] })
	if at < 0 {
		return "", false, syscall.ENOENT
	}
	switch name {
	case "delete":
		s.regions = slices.Delete(s.regions, at, at+1)
		return "", false, nil
	case "clear":
		return "", false, nil
	case "set_aux":
		if len(words) != 2 {
			return "", false, syscall.EINVAL
		}
		s.regions[at].data = words[1]
		return "", false, nil
	case "print", "print_clear":
		return s.regions[at].extent + " 0 0 0 0 0 0 0 0 0 0 0 0 0\n", true, nil
	}
	return "", false, syscall.EINVAL
}

func (s *statistics) list(words []string) string {
	var b strings.Builder
	for _, r := range s.regions {
		if len(words) == 0 || words[0] == r.program {
			fmt.Fprintf(&b, "%d: %s %s %s %s\n", r.id, r.extent, r.step, r.program, r.data)
		}
	}
	return b.String()
}
