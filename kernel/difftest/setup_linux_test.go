package difftest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/loop"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// setup is a row with its files, loop devices and live devices.
type setup struct {
	row     row
	control *kernel.Control
	dir     string
	files   []string
	loops   []*loop.Device
	words   map[string]string // placeholder → text
	paths   map[string]string // device number → file or "@name", for the engine
	serial  int
	old     bool     // Linux 6.1
	live    []string // names of the live devices from the bottom up
}

// sight is what the kernel showed of a device.
type sight struct {
	content    []byte
	unreadable []volume.Extent
	failed     []volume.Extent // pieces that could not be written
}

// newSetup makes the disks of a row.
func newSetup(c *kernel.Control, r row, serial int) (*setup, error) {
	dir, err := os.MkdirTemp("", "difftest")
	if err != nil {
		return nil, err
	}
	s := &setup{row: r, control: c, dir: dir, serial: serial, words: map[string]string{}, paths: map[string]string{}, old: oldKernel()}
	for i, d := range r.disks {
		if err := s.addFile(i, d); err != nil {
			return nil, errors.Join(err, s.end())
		}
	}
	if r.tree != nil {
		words, err := r.tree.make(s.files)
		if err != nil {
			return nil, errors.Join(err, s.end())
		}
		for word, value := range words {
			s.words["{"+word+"}"] = value
		}
	}
	for i, d := range r.disks {
		if err := s.attach(i, d); err != nil {
			return nil, errors.Join(err, s.end())
		}
	}
	return s, nil
}

// addFile makes the file of a disk.
func (s *setup) addFile(i int, d disk) error {
	content := make([]byte, d.size)
	if !d.zeros {
		fillNoise(content, fmt.Sprintf("disk %d of %s", i, s.row.name))
	}
	path := filepath.Join(s.dir, fmt.Sprintf("disk%d", i))
	s.files = append(s.files, path)
	return os.WriteFile(path, content, 0o600)
}

// attach makes a block device of a file.
func (s *setup) attach(i int, d disk) error {
	dev, err := loop.Attach(s.files[i], loop.Options{BlockSize: d.block})
	if err != nil {
		return err
	}
	s.loops = append(s.loops, dev)
	var stat syscall.Stat_t
	if err := syscall.Stat(dev.Path(), &stat); err != nil {
		return err
	}
	number := fmt.Sprintf("%d:%d", kernel.Major(stat.Rdev), kernel.Minor(stat.Rdev))
	s.words[fmt.Sprintf("{%d}", i)] = number
	s.paths[number] = s.files[i]
	return nil
}

// fill puts values in the place of placeholders.
func (s *setup) fill(lines []string) string {
	text := strings.Join(lines, "\n")
	for word, value := range s.words {
		text = strings.ReplaceAll(text, word, value)
	}
	return text
}

// deviceName is the live name of a device.
func (s *setup) deviceName(d device) string {
	name := d.name
	if name == "" {
		name = "top"
	}
	return fmt.Sprintf("%03d-%s%s", s.serial, name, kerneltest.Suffix)
}

// top is the name of the device that is read and written.
func (s *setup) top() string { return s.deviceName(s.row.devices[len(s.row.devices)-1]) }

// up makes the devices.
func (s *setup) up() error {
	for _, d := range s.row.devices {
		ts, err := tables.Parse(strings.NewReader(s.fill(d.lines)))
		if err != nil {
			return err
		}
		o := kernel.ActivateOptions{Load: kernel.LoadOptions{ReadOnly: s.row.readOnly}}
		info, err := s.control.CreateAndLoad(background, s.deviceName(d), o, ts...)
		if err != nil {
			return errors.Join(wrapUp("making "+d.name, err), s.down())
		}
		s.live = append(s.live, s.deviceName(d))
		number := fmt.Sprintf("%d:%d", kernel.Major(info.DevNo), kernel.Minor(info.DevNo))
		s.words["{"+d.name+"}"] = number
		s.paths[number] = "@" + s.deviceName(d)
		for _, text := range d.messages {
			if _, err := s.control.Message(kernel.ByName(s.deviceName(d)), 0, []byte(text), kernel.MessageOptions{}); err != nil {
				return errors.Join(wrapUp("message "+text, err), s.down())
			}
		}
	}
	return nil
}

// down removes the devices.
func (s *setup) down() error {
	for _, name := range slices.Backward(s.live) {
		if _, err := s.control.Remove(background, kernel.ByName(name), kernel.RemoveOptions{Retry: true}); err != nil {
			return fmt.Errorf("removing %s: %w", name, err)
		}
	}
	s.live = nil
	return nil
}

// end removes everything.
func (s *setup) end() error {
	err := s.down()
	for _, l := range s.loops {
		err = errors.Join(err, l.Detach())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// size of the top device in bytes.
func (s *setup) size() (int64, error) {
	ts, err := s.topTables()
	if err != nil {
		return 0, err
	}
	size := int64(0)
	for _, t := range ts {
		start, length := tables.Extent(t)
		size = max(size, int64(start+length))
	}
	return size, nil
}

func (s *setup) topTables() ([]tables.Table, error) {
	return tables.Parse(strings.NewReader(s.fill(s.row.devices[len(s.row.devices)-1].lines)))
}

// kernelWrite writes the pattern of this seed through the top device.
func (s *setup) kernelWrite(seed uint64) ([]volume.Extent, error) {
	size, err := s.size()
	if err != nil {
		return nil, err
	}
	d, err := openDirect("/dev/mapper/"+s.top(), os.O_RDWR)
	if err != nil {
		return nil, err
	}
	failed, err := d.write(pieces(seed, size, int64(d.unit)))
	return failed, wrapUp("writing", errors.Join(err, d.Close()))
}

// kernelRead reads all of the top device.
func (s *setup) kernelRead() ([]byte, []volume.Extent, error) {
	size, err := s.size()
	if err != nil {
		return nil, nil, err
	}
	if s.row.readOnly {
		if err := refusesWriting("/dev/mapper/" + s.top()); err != nil {
			return nil, nil, err
		}
	}
	d, err := openDirect("/dev/mapper/"+s.top(), os.O_RDONLY)
	if err != nil {
		return nil, nil, err
	}
	content, unreadable, err := d.read(size)
	return content, unreadable, wrapUp("reading", errors.Join(err, d.Close()))
}

// refusesWriting checks that a read-only device cannot be written. Linux lets it be
// opened for writing.
func refusesWriting(path string) error {
	d, err := openDirect(path, os.O_RDWR)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err = d.write([]piece{{content: make([]byte, d.unit)}}); errors.Is(err, fs.ErrPermission) {
		return d.Close()
	}
	return errors.Join(fmt.Errorf("writing to a read-only device: %w, want %w", err, fs.ErrPermission), d.Close())
}
