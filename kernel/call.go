package kernel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// Room for answers in bytes: at first, and by how much more when it was not enough. Lists
// begin with enough for about 1000 devices.
const (
	textRoom  = 16<<10 - dmioctl.HeaderSize
	listRoom  = 128<<10 - dmioctl.HeaderSize
	replyRoom = 64 << 10 // of messages, which cannot be repeated
	growth    = 4
	maxRoom   = dmioctl.MaxSize - dmioctl.HeaderSize
)

// room remembers how large answers are, so that one call is enough the next time.
type room struct{ bytes atomic.Int64 }

func (r *room) set(n int) {
	for {
		old := r.bytes.Load()
		if int64(n) <= old || r.bytes.CompareAndSwap(old, int64(n)) {
			return
		}
	}
}

// call is one command with everything around it.
type call struct {
	op      string // for errors; "": the command's name
	command dmioctl.Command
	ref     Ref
	header  dmioctl.Header // Name, UUID and Dev come from ref
	payload dmioctl.Payload
	room    *room // of the answer; nil: there is none but the header
	size    int   // room without memory
	secret  bool  // wipe buffers, here and in the kernel
	steady  bool  // EINTR is the caller's business
}

// reply is an answer. Its data is gone when the function that got it returns.
type reply struct {
	dmioctl.Header
	data []byte
}

// do issues a command until its answer fits, and hands the answer to read, which may be
// nil. It returns the header of the answer.
func (c *Control) do(ctx context.Context, k call, read func(reply) error) (dmioctl.Header, error) {
	if k.op == "" {
		k.op = k.command.String()
	}
	h, err := c.try(ctx, k, read)
	if err != nil {
		err = c.explain(k, err)
	}
	return h, err
}

// info is do for commands that answer with the state of the device.
func (c *Control) info(ctx context.Context, k call) (Info, error) {
	h, err := c.do(ctx, k, nil)
	if err != nil {
		return Info{}, err
	}
	return c.infoOf(h), nil
}

func (c *Control) try(ctx context.Context, k call, read func(reply) error) (h dmioctl.Header, err error) {
	if err := c.prepare(&k); err != nil {
		return h, err
	}
	leave, err := c.enter(ctx)
	if err != nil {
		return h, err
	}
	defer leave()
	return c.rounds(k, read)
}

// prepare refuses what this kernel cannot do, and completes the header.
func (c *Control) prepare(k *call) error {
	if k.secret && c.version.Minor >= dmioctl.MinorSecureData {
		k.header.Flags |= dmioctl.FlagSecureData
	}
	if err := c.need(k.command.Minor(), k.op); err != nil {
		return err
	}
	return c.selectDevice(k)
}

// rounds issues a command until its answer fits.
func (c *Control) rounds(k call, read func(reply) error) (h dmioctl.Header, err error) {
	size := k.size
	if k.room != nil {
		size = int(k.room.bytes.Load())
	}
	for {
		h, full, err := c.round(k, size, read)
		switch {
		case errors.Is(err, syscall.EINTR) && !k.steady:
			continue
		case !full:
			return h, err
		}
		larger := min(size*growth, maxRoom)
		if larger == size {
			return h, fmt.Errorf("%w: it has more than %d bytes", ErrTruncated, size)
		}
		size = larger
		k.room.set(size)
	}
}

// round issues a command once. full says that the answer did not fit and may be asked for
// again.
func (c *Control) round(k call, size int, read func(reply) error) (h dmioctl.Header, full bool, err error) {
	buf, err := dmioctl.Native.Encode(k.header, k.payload, size)
	if err != nil {
		return h, false, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if k.secret {
		defer wipe(buf)
	}
	if err := c.transport.Ioctl(uint32(k.command), buf); err != nil {
		return h, false, err
	}
	if h, err = dmioctl.Native.Header(buf); err != nil {
		return h, false, err
	}
	if full = h.Flags&dmioctl.FlagBufferFull != 0 && k.room != nil; full || read == nil {
		return h, full, nil
	}
	data, err := dmioctl.Data(buf, h)
	if err != nil {
		return h, false, err
	}
	return h, false, read(reply{h, data})
}

// selectDevice writes the device that is meant into the header.
func (c *Control) selectDevice(k *call) (err error) {
	switch k.ref.by {
	case byName:
		k.header.Name, err = c.kernelName(k.ref.text)
	case byUUID:
		k.header.UUID, err = c.kernelUUID(k.ref.text)
	case byDevno:
		if k.header.Dev = k.ref.devno; k.ref.devno == 0 {
			err = fmt.Errorf("%w: there is no device 0:0", ErrInvalid)
		}
	case byNothing:
		switch k.command {
		case dmioctl.CmdRemoveAll, dmioctl.CmdListDevices, dmioctl.CmdListVersions,
			dmioctl.CmdTargetVersion, dmioctl.CmdArmPoll, dmioctl.CmdCreate:
		default:
			err = fmt.Errorf("%w: no device given", ErrInvalid)
		}
	}
	return err
}

// wipe zeros a buffer that may hold a key.
func wipe(b []byte) {
	clear(b)
	runtime.KeepAlive(b)
}
