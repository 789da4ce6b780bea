package kernel

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestControlMinor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]uint32{
		"":                                    236,
		"236 device-mapper\n235 autofs\n":     236,
		" 60 device-mapper\n":                 60,
		"61 device-mapper2\n62 fuse\n":        236,
		"x device-mapper\n99999999 loop\n":    236,
		"4294967296 device-mapper\n":          236,
		"1 2 device-mapper\n57 device-mapper": 57,
	} {
		if got := controlMinor(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestParseSemaphores(t *testing.T) {
	t.Parallel()
	const text = `       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime
 223159541          0   600          1     0     0     0     0 1700000000 1700000001
-889275714     -32768   666         17     0     0     0     0          0 1700000002
 short line
 1 2 3 x 5 6 7 8 9 10
`
	want := []Semaphore{
		{Key: 223159541, ID: 0, Count: 1, LastOp: time.Unix(1700000000, 0), Changed: time.Unix(1700000001, 0)},
		{Key: 0xcafebabe - 0x7, ID: -32768, Count: 17, Changed: time.Unix(1700000002, 0)},
	}
	negative := int32(-889275714)
	want[1].Key = uint32(negative)
	if got := parseSemaphores(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func FuzzParseSemaphores(f *testing.F) {
	f.Add(" 223159541          0   600          1     0     0     0     0 1700000000 1700000001\n")
	f.Fuzz(func(t *testing.T, text string) {
		parseSemaphores(text)
		controlMinor(text)
	})
}

// TestSemaphores uses real semaphores: no right is needed for them. They are this process's
// own, under keys that no cookie has.
func TestSemaphores(t *testing.T) {
	t.Parallel()
	m := Machine()
	key := uint32(0x0d4e0000) + uint32(os.Getpid())&0xffff
	id, err := m.Semget(key, true)
	if errors.Is(err, unix.ENOSYS) {
		t.Skip("this machine has no System V semaphores")
	}
	if err != nil {
		t.Fatal(err)
	}
	gone := false
	defer func() {
		if !gone {
			_ = m.SemRemove(id) // the test has failed
		}
	}()
	if _, err := m.Semget(key, true); !errors.Is(err, unix.EEXIST) {
		t.Errorf("making it again: %v", err)
	}
	if again, err := m.Semget(key, false); again != id || err != nil {
		t.Errorf("finding it: %d, %v, want %d", again, err, id)
	}
	if _, err := m.Semget(key+1<<16, false); !errors.Is(err, unix.ENOENT) {
		t.Errorf("finding another: %v", err)
	}
	if err := m.SemWaitZero(id, 0); err != nil {
		t.Errorf("a new one is not zero: %v", err)
	}
	if err := errors.Join(m.SemAdd(id, 2), m.SemAdd(id, -1)); err != nil {
		t.Error(err)
	}
	if err := m.SemAdd(id, -2); !errors.Is(err, unix.EAGAIN) {
		t.Errorf("below zero: %v", err)
	}
	list, err := m.Semaphores()
	found := false
	for _, s := range list {
		if s.Key == key {
			found = s.ID == id && s.Count == 1 && s.Value == 1 && !s.LastOp.IsZero() && !s.Changed.IsZero()
		}
	}
	if err != nil || !found {
		t.Errorf("list: %+v, %v", list, err)
	}
	for {
		err := m.SemWaitZero(id, time.Millisecond)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if !errors.Is(err, unix.EAGAIN) {
			t.Errorf("waiting while it is 1: %v", err)
		}
		break
	}
	wait := func() error {
		for {
			if err := m.SemWaitZero(id, time.Hour); !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	}
	ended := make(chan error)
	go func() { ended <- wait() }()
	if err := m.SemAdd(id, -1); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("waiting for zero: %v", err)
	}
	if err := m.SemAdd(id, 1); err != nil {
		t.Error(err)
	}
	go func() { ended <- wait() }()
	if err := m.SemRemove(id); err != nil {
		t.Error(err)
	}
	gone = true
	if err := <-ended; !errors.Is(err, unix.EIDRM) && !errors.Is(err, unix.EINVAL) {
		t.Errorf("waiting for one that was removed: %v", err)
	}
	if err := m.SemAdd(id, 1); !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EIDRM) {
		t.Errorf("counting one that was removed: %v", err)
	}
}

// TestPollEnds polls something that never becomes readable, and ends it.
func TestPollEnds(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := &controlFile{fd: int(r.Fd())}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Poll(ctx) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("poll: %v", err)
	}
	if err := f.Poll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("poll with a context that has ended: %v", err)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := f.Poll(context.Background()); err != nil {
				t.Errorf("poll: %v", err)
			}
		})
	}
	if _, err := w.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestRealNodes uses what needs no right: links and files.
func TestRealNodes(t *testing.T) {
	t.Parallel()
	m, dir := Machine(), t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("nothing", link); err != nil {
		t.Fatal(err)
	}
	if _, err := m.NodeDevno(file); !errors.Is(err, syscall.ENOTBLK) {
		t.Errorf("a file: %v", err)
	}
	for _, path := range []string{link, filepath.Join(dir, "missing")} {
		if _, err := m.NodeDevno(path); !errors.Is(err, syscall.ENOENT) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := m.RenameNode(link, link+"2"); err != nil {
		t.Error(err)
	}
	if names, err := m.ListNodes(dir); err != nil || !reflect.DeepEqual(names, []string{"file", "link2"}) {
		t.Errorf("names: %q, %v", names, err)
	}
	if err := m.RemoveNode(link + "2"); err != nil {
		t.Error(err)
	}
	if err := m.RemoveNode(link); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("removing it again: %v", err)
	}
	err := m.MakeNode(filepath.Join(dir, "sub", "node"), Mkdev(7, 300), 0o640, os.Getuid(), os.Getgid())
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skipf("making nodes is not allowed here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if devno, err := m.NodeDevno(filepath.Join(dir, "sub", "node")); err != nil || devno != Mkdev(7, 300) {
		t.Errorf("the node: %#x, %v", devno, err)
	}
	if st, err := os.Lstat(filepath.Join(dir, "sub", "node")); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("its mode: %v, %v", st, err)
	}
	if err := m.MakeNode(file, Mkdev(7, 1), 0o600, 0, 0); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("a name that is taken: %v", err)
	}
}

// TestNoControl opens what is no control device.
func TestNoControl(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := Open(Options{Path: path}); err == nil {
		c.Close()
		t.Error("a file was opened as control device")
	} else if !errors.Is(err, ErrNotSupported) {
		t.Errorf("%v", err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := ProbePaths(f); !errors.Is(err, ErrNotSupported) {
		t.Errorf("probing the paths of a file: %v", err)
	}
}
