package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// mounts are made in this order. /tmp may take most of the memory: files of tests
// are there.
var mounts = []struct{ kind, dir, options string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"tmpfs", "/dev/shm", ""},
	{"tmpfs", "/run", ""},
	{"tmpfs", "/tmp", "size=75%"},
}

func mountAll() error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, m.options); err != nil {
			return fmt.Errorf("mounting %s: %w", m.dir, err)
		}
	}
	// LUKS2 locks are in /run/cryptsetup, LVM's in /run/lock.
	for _, dir := range []string{"/run/cryptsetup", "/run/lock", "/run/udev"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	for link, target := range map[string]string{
		"/dev/fd": "/proc/self/fd", "/dev/stdin": "/proc/self/fd/0", "/dev/stdout": "/proc/self/fd/1", "/dev/stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, link); err != nil {
			return err
		}
	}
	return unix.Sethostname([]byte("lab"))
}

// setClock sets a clock that is behind the host's, whose hardware one was not read.
func setClock(host time.Time) error {
	if time.Now().After(host.Add(-time.Minute)) {
		return nil
	}
	now := unix.NsecToTimespec(host.UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
		return fmt.Errorf("setting the clock: %w", err)
	}
	return nil
}

// loopbackUp turns on the interface lo, for servers that tests run.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("interface lo: %w", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("interface lo: %w", err)
	}
	return nil
}

// makeControl makes /dev/mapper/control, as udev would.
func makeControl() error {
	text, err := os.ReadFile("/sys/class/misc/device-mapper/dev")
	if err != nil {
		return err
	}
	var major, minor uint32
	if _, err := fmt.Sscanf(string(text), "%d:%d", &major, &minor); err != nil {
		return fmt.Errorf("number of the device-mapper: %w", err)
	}
	if err := os.MkdirAll("/dev/mapper", 0o755); err != nil {
		return err
	}
	err = unix.Mknod("/dev/mapper/control", unix.S_IFCHR|0o600, int(unix.Mkdev(major, minor)))
	if err != nil && err != unix.EEXIST { // devtmpfs may have made it
		return fmt.Errorf("making /dev/mapper/control: %w", err)
	}
	return nil
}

// linkDisks makes the links in guest.DiskDir.
func linkDisks() error {
	if err := os.MkdirAll(guest.DiskDir, 0o755); err != nil {
		return err
	}
	files, err := filepath.Glob("/sys/block/*/serial")
	if err != nil {
		return err
	}
	for _, file := range files {
		serial, err := os.ReadFile(file)
		name := strings.TrimSpace(string(serial))
		if err != nil || name == "" || strings.Contains(name, "/") {
			continue // a disk that the lab did not name
		}
		if err := os.Symlink("/dev/"+filepath.Base(filepath.Dir(file)), guest.Disk(name)); err != nil {
			return err
		}
	}
	return nil
}
