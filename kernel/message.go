package kernel

import (
	"bytes"
	"context"
	"fmt"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// MessageOptions of [Control.Message].
type MessageOptions struct {
	ReplySize int // room for the answer in bytes; 0: 64 KiB
}

// Message sends text to the target at this sector of the live table; words that begin with
// @ go to device-mapper itself. The answer is nil when there is none, and has no NUL at its
// end.
//
// An answer that does not fit is asked for again only when the message changes nothing
// (@stats_print, @stats_list, …). Otherwise it is lost, which is ErrTruncated: the kernel
// gives out none of it.
// text may hold a key: it is the caller's to wipe, this package wipes its copies.
func (c *Control) Message(ref Ref, sector uint64, text []byte, o MessageOptions) ([]byte, error) {
	k := call{command: dmioctl.CmdMessage, ref: ref, secret: true}
	k.payload = dmioctl.Message{Sector: sector, Text: text}
	if o.ReplySize < 0 || o.ReplySize > maxRoom {
		return nil, wrap("message", ref.String(), nil, fmt.Errorf("%w: an answer of %d bytes", ErrInvalid, o.ReplySize))
	}
	if k.size = o.ReplySize; k.size == 0 {
		k.size = replyRoom
	}
	if isQuestion(text) {
		k.room = new(room)
		k.room.set(k.size)
	}
	var answer []byte
	_, err := c.do(context.Background(), k, func(r reply) error {
		if r.Flags&dmioctl.FlagDataOut == 0 {
			return nil
		}
		if r.Flags&dmioctl.FlagBufferFull != 0 {
			return fmt.Errorf("%w: there was room for %d bytes, and asking again would repeat the message", ErrTruncated, k.size)
		}
		text, _, _ := bytes.Cut(r.data, []byte{0})
		answer = append([]byte{}, text...)
		return nil
	})
	return answer, err
}

// questions are the messages whose repetition changes nothing.
var questions = [][]byte{
	[]byte("@stats_list"), []byte("@stats_print"),
	[]byte("countbadblocks"), []byte("queryblock"), []byte("listbadblocks"), // dust
	[]byte("stats"), []byte("config"), // vdo
}

func isQuestion(text []byte) bool {
	words := bytes.Fields(text)
	if len(words) == 0 {
		return false
	}
	for _, q := range questions {
		if bytes.EqualFold(words[0], q) {
			return true
		}
	}
	return false
}

// Geometry is the legacy geometry of a disk.
type Geometry struct {
	Cylinders uint32 // at most 65535
	Heads     uint32 // at most 255
	Sectors   uint32 // per track, at most 255
	Start     uint64 // 512-byte sectors, inside of what the other three make
}

// SetGeometry sets what HDIO_GETGEO says of a device.
func (c *Control) SetGeometry(ref Ref, g Geometry) error {
	k := call{command: dmioctl.CmdSetGeometry, ref: ref}
	if g.Cylinders > 65535 || g.Heads > 255 || g.Sectors > 255 {
		return wrap("set-geometry", ref.String(), nil,
			fmt.Errorf("%w: at most 65535 cylinders, 255 heads and 255 sectors are possible", ErrInvalid))
	}
	k.payload = dmioctl.String(fmt.Sprintf("%d %d %d %d", g.Cylinders, g.Heads, g.Sectors, g.Start))
	_, err := c.do(context.Background(), k, nil)
	return err
}
