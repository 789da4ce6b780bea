package volume_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
	"github.com/ulikunitz/xz"
)

// verityStack is a disk with verity as the real tools made it and a kernel read it.
type verityStack struct {
	Images  []struct{ Name string }
	Devices []struct {
		Name, SHA256 string
		Layers       []string
		Size         int64
		Unreadable   [][2]int64 // offset, length
	}
	ToolOutput map[string]string `json:"tool_output"`
	Block      map[string]struct {
		Image string
		Start int64
	}
}

// verityStacks is the folder of the verity cases of the shared corpus, by name.
func verityStacks(t *testing.T) map[string]string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join("..", "..", "shared", "testdata", "stacks", "verity-*"))
	if err != nil || len(folders) == 0 {
		t.Skipf("the shared corpus is not beside the module (%v)", err)
	}
	cases := make(map[string]string)
	for _, f := range folders {
		cases[filepath.Base(f)] = f
	}
	return cases
}

func unxz(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}

// files are the block devices of the case, called major:minor.
func (s *verityStack) files(t *testing.T, folder string) *volumetest.Files {
	t.Helper()
	f := &volumetest.Files{Devices: make(map[string]*volumetest.Memory)}
	images := make(map[string][]byte)
	for _, i := range s.Images {
		images[i.Name] = unxz(t, filepath.Join(folder, i.Name+".xz"))
	}
	for number, b := range s.Block {
		if image, ok := images[b.Image]; ok {
			f.Devices[number] = volumetest.NewMemory(image[b.Start:])
		}
	}
	return f
}

// line is the kernel's table of a device. Of the two devices that some cases have
// over the same disk the kernel printed only one: the other has no options.
func (s *verityStack) line(t *testing.T, device string) string {
	t.Helper()
	name, line, ok := strings.Cut(strings.TrimSpace(s.ToolOutput["dmsetup table --showkeys"]), ": ")
	if !ok {
		t.Fatalf("the case has no table: %q", s.ToolOutput)
	}
	if name != device {
		line = strings.Join(strings.Fields(line)[:13], " ")
	}
	return line
}

// TestKernelVerityStacks reads every verity device of the disks with the table that
// the kernel had, and demands its bytes, the ranges it could not read, and, where it
// was printed, its status afterwards.
func TestKernelVerityStacks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks many images")
	}
	for name, folder := range verityStacks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s verityStack
			text, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
			if err == nil {
				err = json.Unmarshal(text, &s)
			}
			if err != nil {
				t.Fatal(err)
			}
			f := s.files(t, folder)
			found := 0
			for _, d := range s.Devices {
				if !strings.HasPrefix(d.Layers[len(d.Layers)-1], "verity") {
					continue
				}
				found++
				m := mustOpen(t, copyOf(f), os.O_RDONLY, s.line(t, d.Name))
				if size, _ := m.Size(); size != d.Size {
					t.Errorf("%s: %d bytes, the kernel has %d", d.Name, size, d.Size)
				}
				var want []volume.Extent
				for _, r := range d.Unreadable {
					want = append(want, volume.Extent{Offset: r[0], Length: r[1]})
				}
				sum := sha256.New()
				lost, err := volume.ReadRange(background, m, sum, 0, d.Size, volume.ReadOptions{KeepGoing: true})
				if err != nil || !slices.Equal(lost, want) {
					t.Errorf("%s: could not read %v (%v), the kernel could not read %v", d.Name, lost, err, want)
				}
				if got := hex.EncodeToString(sum.Sum(nil)); got != d.SHA256 {
					t.Errorf("%s: SHA-256 %s, the kernel's bytes have %s", d.Name, got, d.SHA256)
				}
				if want := s.ToolOutput["dmsetup status"]; strings.HasPrefix(want, d.Name+": ") {
					wantStatus(t, m, want)
				}
			}
			if found == 0 {
				t.Error("no verity device in the manifest")
			}
		})
	}
}

// wantStatus compares with what dmsetup printed for one device.
func wantStatus(t *testing.T, m *volume.Mapped, want string) {
	t.Helper()
	name, _, _ := strings.Cut(want, ": ")
	list, err := m.Status()
	var got bytes.Buffer
	if err == nil {
		err = tables.FormatStatus(&got, tables.DeviceStatus{Name: name, Targets: list})
	}
	if err != nil || strings.TrimSpace(got.String()) != strings.TrimSpace(want) {
		t.Errorf("status %q, %v; the kernel's is %q", got.String(), err, want)
	}
}

// TestKernelVerityStatus reads the kernel's hard verity cases to the end and demands
// the status that the kernel had then.
func TestKernelVerityStatus(t *testing.T) {
	t.Parallel()
	found := 0
	for _, c := range single(t, "kernel-hard") {
		if !slices.Equal(c.Targets(), []string{"verity"}) || len(c.Status) != 1 {
			continue
		}
		found++
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			m, err := volume.Open(volume.Options{}, withPaths(t, c, dir)...)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			size, _ := m.Size()
			lost, err := volume.ReadRange(background, m, io.Discard, 0, size, volume.ReadOptions{KeepGoing: true})
			if err != nil || !slices.Equal(lost, c.Expects[0].Unreadable()) {
				t.Errorf("could not read %v (%v), the kernel could not read %v", lost, err, c.Expects[0].Unreadable())
			}
			wantStatus(t, m, c.Status[0])
		})
	}
	if found < 10 {
		t.Errorf("only %d cases", found)
	}
}
