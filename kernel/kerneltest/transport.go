package kerneltest

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// OpenControl opens the control device.
func (k *Kernel) OpenControl(string) (kernel.Transport, error) {
	if err := k.failing("open"); err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.udev.open++
	return &file{k: k, baseline: k.events}, nil
}

// file is an open control device.
type file struct {
	k        *Kernel
	baseline uint32 // of poll
	closed   bool
}

// request is a command that is under way.
type request struct {
	k       *Kernel
	f       *file
	command dmioctl.Command
	header  dmioctl.Header // becomes that of the answer
	sent    uint32         // the event number of the request: its cookie
	size    uint32         // of the request's buffer
	data    []byte         // of the request
	room    []byte         // for the answer
}

// Ioctl does what the kernel does with a buffer.
func (f *file) Ioctl(number uint32, buf []byte) error {
	k := f.k
	k.mu.Lock()
	defer k.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	command := dmioctl.Command(number)
	if len(buf) < dmioctl.MinHeaderSize {
		return syscall.EFAULT
	}
	name := k.callName(command, buf)
	at := len(k.calls)
	k.calls = append(k.calls, name+"!")
	fault, _ := k.fault(name)
	if fault.Err != nil && !fault.After {
		return fault.Err
	}
	r := &request{k: k, f: f, command: command}
	err := r.run(buf)
	if err == nil {
		err = fault.Err
	}
	if err == nil {
		k.calls[at] = name
	}
	return err
}

// callName is the name of a command in Calls.
func (k *Kernel) callName(command dmioctl.Command, buf []byte) string {
	h, err := k.codec.Header(buf)
	if command == dmioctl.CmdSuspend && err == nil && h.Flags&dmioctl.FlagSuspend == 0 {
		return "resume"
	}
	if command == dmioctl.CmdStatus && err == nil && h.Flags&dmioctl.FlagStatusTable != 0 {
		return "table"
	}
	return command.String()
}

// run checks the buffer, runs the command and writes the answer. On failure nothing is
// written but the version, and zeros when the data was secure.
func (r *request) run(buf []byte) error {
	if err := r.checkVersion(buf); err != nil {
		return err
	}
	if !r.command.Known() || r.command.Minor() > r.k.options.Minor {
		return syscall.ENOTTY
	}
	if r.command == dmioctl.CmdVersion {
		return nil
	}
	wipe, err := r.read(buf)
	if wipe {
		clear(buf)
	}
	if err != nil {
		return err
	}
	r.header.DataSize = dmioctl.MinHeaderSize
	r.room = make([]byte, max(0, len(buf)-dmioctl.HeaderSize))
	if err := handlers[r.command](r); err != nil {
		return err
	}
	return r.write(buf)
}

// checkVersion compares versions and writes ours, whatever comes out.
func (r *request) checkVersion(buf []byte) error {
	codec := r.k.codec
	theirs := codec.Version(buf)
	codec.Order.PutUint32(buf, dmioctl.Major)
	codec.Order.PutUint32(buf[4:], r.k.options.Minor)
	codec.Order.PutUint32(buf[8:], 0)
	if theirs[0] != dmioctl.Major || theirs[1] > r.k.options.Minor {
		return syscall.EINVAL
	}
	return nil
}

// read takes the request out of the buffer. wipe tells that it is to be zeroed.
func (r *request) read(buf []byte) (wipe bool, err error) {
	codec := r.k.codec
	h, err := codec.Header(buf)
	if err != nil {
		r.k.complain("%s: %v", r.command, err)
		return false, syscall.EINVAL
	}
	if h.DataSize < dmioctl.MinHeaderSize || h.DataSize > dmioctl.MaxSize {
		return false, syscall.EINVAL
	}
	if uint64(h.DataSize) > uint64(len(buf)) {
		return false, syscall.EFAULT
	}
	r.checkPadding(buf)
	wipe = h.Flags&dmioctl.FlagSecureData != 0 && r.k.options.Minor >= dmioctl.MinorSecureData
	h.Flags &^= dmioctl.FlagBufferFull | dmioctl.FlagUeventGenerated | dmioctl.FlagDataOut | dmioctl.FlagSecureData
	h.Version = [3]uint32{dmioctl.Major, r.k.options.Minor, 0}
	r.header, r.sent, r.size = h, h.EventNr, h.DataSize
	if h.DataStart >= dmioctl.MinHeaderSize && h.DataStart <= h.DataSize {
		r.data = append([]byte(nil), buf[h.DataStart:h.DataSize]...)
	}
	return wipe, r.checkSelection()
}

// checkPadding looks at what the kernel does not look at.
func (r *request) checkPadding(buf []byte) {
	if r.k.codec.Order.Uint32(buf[36:]) != 0 {
		r.k.complain("%s: the padding of the header is not zero", r.command)
	}
	for _, field := range [][]byte{buf[48:176], buf[176:305]} {
		ended := false
		for _, b := range field {
			if ended && b != 0 {
				r.k.complain("%s: bytes behind the end of the name or the UUID", r.command)
				break
			}
			ended = ended || b == 0
		}
	}
}

// checkSelection refuses a request with name and UUID, for all commands about a device but
// create.
func (r *request) checkSelection() error {
	switch r.command {
	case dmioctl.CmdRemoveAll, dmioctl.CmdListDevices, dmioctl.CmdListVersions:
		return nil
	case dmioctl.CmdCreate:
		if r.header.Name == "" {
			return syscall.EINVAL
		}
		return nil
	}
	if r.header.Name != "" && r.header.UUID != "" {
		return syscall.EINVAL
	}
	return nil
}

// device finds the device that the request is about, and fills in its name and UUID.
func (r *request) device() (*device, error) {
	h := &r.header
	var d *device
	switch {
	case h.UUID != "" || h.Name != "":
		if h.Dev != 0 {
			return nil, syscall.ENXIO
		}
		if h.UUID != "" {
			d = r.k.byUUID(h.UUID)
		} else {
			d = r.k.byName(h.Name)
		}
	case h.Dev != 0:
		d = r.k.byDevno(h.Dev)
	}
	if d == nil {
		return nil, syscall.ENXIO
	}
	h.Name, h.UUID = d.name, d.uuid
	h.Flags &^= dmioctl.FlagInactivePresent
	if d.staged != nil {
		h.Flags |= dmioctl.FlagInactivePresent
	}
	return d, nil
}

// answer puts p into the answer.
func (r *request) answer(p dmioctl.Payload) error {
	r.header.DataStart = dmioctl.HeaderSize
	if p.Size() > len(r.room) {
		return r.full(0)
	}
	r.header.DataSize = uint32(dmioctl.HeaderSize + p.Size())
	return r.k.codec.Put(r.room, p)
}

// full says that an answer did not fit, of which used bytes did.
func (r *request) full(used int) error {
	r.header.Flags |= dmioctl.FlagBufferFull
	if used > 0 {
		r.header.DataSize = uint32(dmioctl.HeaderSize + used)
	}
	fill(r.room)
	return nil
}

// answerVersions counts 7 bytes for the padding of each target, as the kernel does.
func (r *request) answerVersions(list dmioctl.TargetVersions) error {
	size := 0
	for _, t := range list {
		size += 16 + len(t.Name) + 1 + 7
	}
	if size > len(r.room) {
		return r.full(0)
	}
	err := r.answer(list)
	r.header.DataSize = uint32(dmioctl.HeaderSize + size)
	return err
}

// answerLines puts the lines of a table into the answer. A text that fills all the space
// counts as cut, and so does one that leaves none for its padding.
func (r *request) answerLines(specs []dmioctl.Spec) error {
	r.header.DataStart = dmioctl.HeaderSize
	used := 0
	for i := range specs {
		fits := dmioctl.Specs{Convention: dmioctl.FromFirst, List: specs[:i+1]}.Size()
		if fits >= len(r.room) {
			return r.full(used)
		}
		used = fits
		if (fits+7)&^7 > len(r.room) {
			return r.full(used)
		}
	}
	return r.answer(dmioctl.Specs{Convention: dmioctl.FromFirst, List: specs})
}

// asSent makes the answer as long as the request: some commands do not set its size.
func (r *request) asSent() { r.header.DataSize = r.size }

// fill writes what must not be read: the beginning of an answer that was cut.
func fill(b []byte) {
	for i := range b {
		b[i] = 0xa5
	}
}

// write puts the answer into the caller's buffer: as many bytes as it says that it has.
func (r *request) write(buf []byte) error {
	var header [dmioctl.HeaderSize]byte
	if err := r.k.codec.PutHeader(header[:], r.header); err != nil {
		return err
	}
	n := copy(buf[:min(int(r.header.DataSize), len(buf))], header[:])
	if r.header.DataSize > dmioctl.HeaderSize {
		copy(buf[n:r.header.DataSize], r.room)
	}
	return nil
}

// Poll waits until the global counter has moved.
func (f *file) Poll(ctx context.Context) error {
	for {
		f.k.mu.Lock()
		changed, moved := f.k.changed, f.k.events != f.baseline
		f.k.mu.Unlock()
		if moved {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close closes the file.
func (f *file) Close() error {
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	if f.closed {
		return errors.New("closed twice")
	}
	f.closed = true
	f.k.udev.open--
	return nil
}
