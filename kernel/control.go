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
// a context; when it ends they give up. What the kernel is doing then cannot be interrupted
// from Go, so it goes on: each such method says what becomes of it.
type Control struct {
	options   Options
	system    System
	transport Transport
	version   Version
	listRoom  room // what the answers needed so far
	textRoom  room

	mu      sync.Mutex
	closed  bool
	holders int // of the transport: Close, and calls that were given up
	busy    sync.WaitGroup
	life    context.Context // ends with Close
	end     context.CancelFunc
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
	// event; negative: no bound. The context of a call bounds it too. A udevd without the
	// rules of device-mapper never ends a wait: then use UdevOff.
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
	c := &Control{options: o, system: o.System, transport: t, holders: 1}
	c.life, c.end = context.WithCancel(context.Background())
	c.listRoom.set(listRoom)
	c.textRoom.set(textRoom)
	if err := c.handshake(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// handshake asks for the version. 4.0.0 is what every kernel of version 4 takes.
func (c *Control) handshake() error {
	buf, err := dmioctl.Native.Encode(dmioctl.Header{}, nil, 0)
	if err != nil {
		return &Error{Op: "open", Err: err}
	}
	for {
		err = c.transport.Ioctl(uint32(dmioctl.CmdVersion), buf)
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

// Close closes the control device. Waits under way in other goroutines end with
// fs.ErrClosed, other calls finish first. A second call does nothing.
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
	return c.unhold()
}

// enter begins a call; the function it returns ends it.
func (c *Control) enter(ctx context.Context) (leave func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fs.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.busy.Add(1)
	return c.busy.Done, nil
}

// enterWait is enter for calls that can wait for long: the context it returns ends with the
// caller's and with the control device.
func (c *Control) enterWait(ctx context.Context) (context.Context, func(), error) {
	leave, err := c.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.life, cancel)
	return ctx, func() {
		stop()
		cancel()
		leave()
	}, nil
}

// hold keeps the control device open for a call that may outlive Close.
func (c *Control) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holders++
}

// unhold ends a hold. Whoever comes last closes.
func (c *Control) unhold() error {
	c.mu.Lock()
	c.holders--
	last := c.holders == 0
	c.mu.Unlock()
	if !last {
		return nil
	}
	if err := c.transport.Close(); err != nil {
		return &Error{Op: "close", Err: err}
	}
	return nil
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
