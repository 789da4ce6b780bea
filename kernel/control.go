package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/dmioctl"
)

// Control is a client of device-mapper: one open control device. Its methods may be
// called concurrently. Close it when done.
//
// Methods take a [Ref] for the device and return [*Error]. Those that can block take
// a context; when it ends they give up, and a call into the kernel that is under way
// is interrupted.
type Control struct {
	options   Options
	system    System
	transport Transport
	version   Version
	listRoom  room // what the answers needed so far
	textRoom  room

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
	end    context.CancelFunc // interrupts what blocks
	life   context.Context
}

// Options of a [Control]. The zero value is right for most programs.
type Options struct {
	// Path of the control device; "": "control" in Dir, made if it is missing.
	Path string
	// Dir is where nodes of devices are; "": /dev/mapper.
	Dir string
	// Udev says whether to synchronise with udev; the zero value finds out.
	Udev UdevSync
	// UdevTimeout bounds the wait for udev; 0: three minutes, udev's own limit for an
	// event; negative: no bound. The context of a call bounds it too.
	UdevTimeout time.Duration
	// Mangling of names and UUIDs; the zero value is that of dmsetup.
	Mangling Mangling
	// System does the system calls; nil: [Machine]. Tests put a fake one here.
	System System
}

const (
	defaultDir         = "/dev/mapper"
	defaultUdevTimeout = 3 * time.Minute
)

// OpenControl opens the control device with the zero [Options].
func OpenControl() (*Control, error) { return Open(Options{}) }

// Open opens the control device and asks the kernel for its version. [ErrNotSupported]
// when there is no device-mapper, [ErrPermission] without CAP_SYS_ADMIN.
func Open(o Options) (*Control, error) {
	if o.System == nil {
		o.System = Machine()
	}
	if o.Dir == "" {
		o.Dir = defaultDir
	}
	if o.Path == "" {
		o.Path = o.Dir + "/control"
	}
	if o.UdevTimeout == 0 {
		o.UdevTimeout = defaultUdevTimeout
	}
	t, err := o.System.OpenControl(o.Path)
	if err != nil {
		return nil, openError(err)
	}
	c := &Control{options: o, system: o.System, transport: t}
	c.life, c.end = context.WithCancel(context.Background())
	c.listRoom.set(listRoom)
	c.textRoom.set(textRoom)
	if err := c.handshake(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// handshake asks for the version. 4.0.0 is what every kernel of version 4 takes
// (ioctl.md section 4).
func (c *Control) handshake() error {
	buf, err := dmioctl.Native.Encode(dmioctl.Header{}, nil, 0)
	if err != nil {
		return &Error{Op: "open", Err: err}
	}
	for {
		err = c.transport.Ioctl(context.Background(), uint32(dmioctl.CmdVersion), buf)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	v := dmioctl.Native.Version(buf)
	c.version = Version{v[0], v[1], v[2]}
	switch {
	case v[0] != dmioctl.Major:
		return &Error{Op: "open", Err: fmt.Errorf("%w: the kernel's device-mapper interface is %v, version 4 is known here", ErrNotSupported, c.version)}
	case err != nil:
		return openError(err)
	}
	return nil
}

// openError explains why there is no control device.
func openError(err error) error {
	kind, hint := classify(err), ""
	switch {
	case kind == ErrPermission:
		hint = ": device-mapper needs root (CAP_SYS_ADMIN)"
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		kind, hint = ErrNotSupported, ": is the module dm_mod loaded?"
	}
	if kind == nil || errors.Is(err, kind) {
		return &Error{Op: "open", Err: fmt.Errorf("%w%s", err, hint)}
	}
	return &Error{Op: "open", Err: fmt.Errorf("%w: %w%s", kind, err, hint)}
}

// Close closes the control device. Waits under way in other goroutines are interrupted,
// other calls finish first. A second call does nothing.
func (c *Control) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.end()
	c.busy.Wait()
	if err := c.transport.Close(); err != nil {
		return &Error{Op: "close", Err: err}
	}
	return nil
}

// enter begins a call; the function it returns ends it. Of a call that can block, the
// context ends with the control device too; for others the context is only looked at
// between calls into the kernel.
func (c *Control) enter(ctx context.Context, blocks bool) (context.Context, func(), error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, nil, fs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	c.busy.Add(1)
	if !blocks {
		return context.WithoutCancel(ctx), c.busy.Done, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.life, cancel)
	return ctx, func() {
		stop()
		cancel()
		c.busy.Done()
	}, nil
}

// whyEnded is the error of a call whose context has ended.
func (c *Control) whyEnded(ctx context.Context) error {
	if c.life.Err() != nil {
		return fs.ErrClosed
	}
	return ctx.Err()
}

// Version is the version of the kernel's device-mapper interface, as it was when the
// control device was opened.
func (c *Control) Version() Version { return c.version }
