package kerneltest

import (
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
	words := splitWords(string(m.Text))
	if len(words) == 0 {
		return syscall.EINVAL
	}
	reply, hasReply, err := r.dispatch(d, m.Sector, words)
	if err != nil {
		return err
	}
	r.about(d)
	if !hasReply {
		return nil
	}
	r.header.Flags |= dmioctl.FlagDataOut
	r.header.DataStart = dmioctl.HeaderSize
	if len(reply)+1 >= len(r.room) { // so does the kernel: one byte less than fits
		return r.full(0)
	}
	return r.answer(dmioctl.String(reply))
}

// splitWords splits a text at blanks; a backslash takes what is behind it as it is.
func splitWords(text string) (words []string) {
	var word strings.Builder
	inside := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
			inside = true
		case c == ' ' || c >= '\t' && c <= '\r':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			word.WriteByte(c)
			inside = true
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words
}

func (r *request) dispatch(d *device, sector uint64, words []string) (string, bool, error) {
	if strings.EqualFold(words[0], "@cancel_deferred_remove") && len(words) == 1 {
		d.deferred = false
		return "", false, nil
	}
	if name, ok := strings.CutPrefix(strings.ToLower(words[0]), "@stats_"); ok {
		return d.stats.message(name, words[1:], d.size())
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
