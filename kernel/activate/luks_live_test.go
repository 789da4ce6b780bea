//go:build linux

package activate_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/internal/lab/loop"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/stack"
)

// luksRow is a volume that the real cryptsetup makes.
type luksRow struct {
	name     string
	format   string // options of luksFormat
	detached bool
	long     bool // left out of short runs
}

const luks2Small = "--type luks2 --luks2-keyslots-size 512k --offset 2048 "

var luksRows = []luksRow{
	{name: "luks1", format: "--type luks1 --offset 4096", long: true},
	{name: "luks2", format: luks2Small + "--sector-size 512"},
	{name: "luks2-4096", format: luks2Small + "--sector-size 4096", long: true},
	{name: "luks2-hmac", format: luks2Small + "--sector-size 512 --integrity hmac-sha256"},
	{name: "luks2-hmac-4096", format: luks2Small + "--sector-size 4096 --integrity hmac-sha256 -c aes-xts-random", long: true},
	{name: "luks2-aegis", format: luks2Small + "--integrity aead -c aegis128-random -s 128", long: true},
	{name: "luks2-gcm", format: luks2Small + "--integrity aead -c aes-gcm-random -s 256", long: true},
	{name: "luks2-chacha", format: luks2Small + "--integrity poly1305 -c chacha20-random -s 256", long: true},
	{name: "luks2-adiantum", format: luks2Small + "--sector-size 4096 -c xchacha20,aes-adiantum-plain64 -s 256", long: true},
	{name: "luks1-serpent", format: "--type luks1 --offset 4096 -c serpent-cbc-essiv:sha256 -s 256", long: true},
	{name: "detached", format: "--type luks2", detached: true, long: true},
}

const luksPass = "zephyr delta"

// luksDisk is a volume on a loop device.
type luksDisk struct {
	*live
	file, disk   string
	header       string // path of the header
	name         string
	row          luksRow
	headerOption []string
}

// cryptsetup runs the real one, with the passphrase at its stdin.
func (d *luksDisk) cryptsetup(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("cryptsetup", append(args, d.headerOption...)...)
	cmd.Stdin = strings.NewReader(luksPass)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("cryptsetup %q: %v, %s", args, err, out)
	}
	return string(out)
}

// format has the real cryptsetup make the volume.
func formatLUKS(t *testing.T, row luksRow) *luksDisk {
	t.Helper()
	l := newLive(t)
	if _, err := exec.LookPath("cryptsetup"); err != nil {
		t.Fatalf("the lab's image lacks cryptsetup: %v", err)
	}
	d := &luksDisk{live: l, row: row, file: file(t, "disk", nil), name: kerneltest.Name(t, l.control, "luks")}
	if err := os.Truncate(d.file, 4*mib); err != nil {
		t.Fatal(err)
	}
	d.disk = labtest.DiskOf(t, d.file, loop.Options{})
	d.header = d.disk
	if row.detached {
		d.header = filepath.Join(t.TempDir(), "header")
		if err := os.WriteFile(d.header, make([]byte, 16*mib), 0o600); err != nil {
			t.Fatal(err)
		}
		d.headerOption = []string{"--header", d.header}
	}
	args := append(strings.Fields("luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file -"), strings.Fields(row.format)...)
	d.cryptsetup(t, append(args, d.disk)...)
	return d
}

// open reads the header and finds the key.
func (d *luksDisk) open(t *testing.T, image *os.File) activate.LUKS {
	t.Helper()
	source := image
	if d.row.detached {
		var err error
		if source, err = os.Open(d.header); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { source.Close() })
	}
	h, err := luks.Read(source)
	if err != nil {
		t.Fatal(err)
	}
	key, err := h.Unlock(t.Context(), []byte(luksPass), luks.UnlockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(key.Wipe)
	return activate.LUKS{
		Header: h, Key: key, Device: d.disk, Size: 4 * mib,
		Integrity: func(offset int64) (luks.IntegrityArea, error) { return tagsIn(image, offset) },
	}
}

// tagsIn is what the superblock of dm-integrity says.
func tagsIn(r io.ReaderAt, offset int64) (luks.IntegrityArea, error) {
	sb, err := integrity.ReadSuperblock(r, offset)
	if err != nil {
		return luks.IntegrityArea{}, err
	}
	layout, err := integrity.NewLayout(sb.Geometry(offset), 4*mib, 0)
	area := luks.IntegrityArea{TagSize: uint64(sb.TagSize), DataSize: uint64(layout.Size())}
	if sb.Flags&integrity.FlagFixPadding != 0 {
		area.Features = []string{"fix_padding"}
	}
	return area, err
}

// picture is all that dmsetup can tell of the devices, keys included.
func (d *luksDisk) picture(t *testing.T) (text string) {
	t.Helper()
	for _, name := range []string{d.name, d.name + "_dif"} {
		report, err := d.control.TableLines(kernel.ByName(name), kernel.TableOptions{})
		if err != nil {
			continue // no tags
		}
		text += fmt.Sprintf("%s %s read-only: %t\n", name, report.Info.UUID, report.Info.ReadOnly())
		for _, l := range report.Lines {
			text += fmt.Sprintf("%d %d %s %s\n", l.Start, l.Length, l.Target, l.Params)
		}
	}
	return text
}

// TestLiveLUKS maps volumes that the real cryptsetup has made: its devices and ours are the
// same to the kernel, each program takes those of the other for its own, and what one has
// written the other reads; as does our engine, without a kernel.
func TestLiveLUKS(t *testing.T) {
	for _, row := range luksRows {
		t.Run(row.name, func(t *testing.T) {
			if row.long && testing.Short() {
				t.Skip("left out of short runs")
			}
			d := formatLUKS(t, row)
			image, err := os.Open(d.disk)
			if err != nil {
				t.Fatal(err)
			}
			defer image.Close()
			l := d.open(t, image)
			if l.Header.Version == 1 {
				l.Options.Place = activate.KeyOnTableLine // as cryptsetup does
			}
			d.compare(t, l)
		})
	}
}

func (d *luksDisk) compare(t *testing.T, l activate.LUKS) {
	t.Helper()
	node := "/dev/mapper/" + d.name
	d.cryptsetup(t, "open", d.disk, d.name, "--key-file", "-")
	theirs, status := d.picture(t), d.cryptsetup(t, "status", d.name)
	plain := make([]byte, nodeSize(t, node))
	_, _ = rand.NewChaCha8([32]byte{7}).Read(plain)
	writeNode(t, node, plain)
	d.remove(t) // as if it were ours

	if _, err := d.LUKS(t.Context(), d.name, l); err != nil {
		t.Fatal(err)
	}
	if ours := d.picture(t); ours != theirs {
		t.Errorf("devices\n%s, those of cryptsetup\n%s", ours, theirs)
	}
	if ours := d.cryptsetup(t, "status", d.name); ours != status {
		t.Errorf("cryptsetup status\n%s, of its own\n%s", ours, status)
	}
	if got, err := readNode(t, node); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("what cryptsetup's device has written is not there, %v", err)
	}
	writeNode(t, node, plain[:4096])
	d.cryptsetup(t, "close", d.name)
	d.gone(t)

	l.Options.ReadOnly = true
	if _, err := d.LUKS(t.Context(), d.name, l); err != nil {
		t.Fatal(err)
	}
	d.remove(t)
	d.userspace(t, l, plain)
}

// nodeSize is how many bytes a device has.
func nodeSize(t *testing.T, node string) int64 {
	t.Helper()
	f, err := os.Open(node)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// remove removes the devices of the volume, and finds that nothing is left.
func (d *luksDisk) remove(t *testing.T) {
	t.Helper()
	if _, err := d.Remove(t.Context(), d.name, activate.RemoveOptions{Integrity: true}); err != nil {
		t.Error(err)
	}
	d.gone(t)
}

func (d *luksDisk) gone(t *testing.T) {
	t.Helper()
	d.expectGone(t, d.name)
	d.expectGone(t, d.name+"_dif")
}

// userspace reads the data without the kernel.
func (d *luksDisk) userspace(t *testing.T, l activate.LUKS, want []byte) {
	t.Helper()
	devices, err := l.Header.Devices(l.Key, luks.DeviceOptions{Name: "m", Device: d.file, DeviceSize: l.Size, Integrity: l.Integrity})
	if err != nil {
		t.Fatal(err)
	}
	defer luks.WipeTables(devices)
	s, err := stack.Open(stack.Options{}, devices, "m")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make([]byte, len(want))
	if _, err := s.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("without a kernel the data is another, %v", err)
	}
}
