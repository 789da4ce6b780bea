package luks_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/probe"
	"github.com/dmimg/dmimg/volume/stack"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// stackCase is what the manifest of a whole disk says about a LUKS layer.
type stackCase struct {
	Images  []struct{ Name string }
	Pass    []struct{ Pass string }
	Devices []struct {
		Layers     []string
		Size       int64
		SHA256     string
		Unreadable [][2]int64
	}
}

// TestStacks opens LUKS on whole disks and in partitions as a kernel did, tags and a
// detached header included.
func TestStacks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks whole disks")
	}
	manifests, err := filepath.Glob(filepath.Join(corpusPath(t, "stacks"), "*luks*", "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for _, path := range manifests {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var c stackCase
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatal(err)
		}
		for _, d := range c.Devices {
			last := strings.Join(d.Layers[1:], " ")
			if strings.Contains(last, "lvm") || strings.Contains(last, "md") || !strings.Contains(last, "luks") {
				continue
			}
			done++
			t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
				t.Parallel()
				data := unxz(t, filepath.Join(filepath.Dir(path), c.Images[0].Name+".xz"))
				header := data
				if len(c.Images) > 1 {
					header = unxz(t, filepath.Join(filepath.Dir(path), c.Images[1].Name+".xz"))
				}
				size, sum, bad := openStack(t, data, header, c.Pass[0].Pass)
				if size != d.Size || sum != d.SHA256 {
					t.Errorf("%d bytes with SHA-256 %s, want %d and %s", size, sum, d.Size, d.SHA256)
				}
				if (len(bad) > 0) != (len(d.Unreadable) > 0) {
					t.Errorf("unreadable: %v, want %v", bad, d.Unreadable)
				}
			})
		}
	}
	if done < 5 {
		t.Errorf("%d cases, want 5 or more", done)
	}
}

// luksLayer finds LUKS on a disk or in a partition of it.
func luksLayer(l *probe.Layer) *probe.Layer {
	if l == nil || strings.HasPrefix(l.Kind, "luks") {
		return l
	}
	for _, p := range l.Partitions {
		if found := luksLayer(p.Content); found != nil && strings.HasPrefix(found.Kind, "luks") {
			return found
		}
	}
	return nil
}

func openStack(t *testing.T, data, header []byte, pass string) (size int64, sum string, bad []volume.Extent) {
	t.Helper()
	top, err := probe.Inspect(bytes.NewReader(header), 0, int64(len(header)))
	if err != nil {
		t.Fatal(err)
	}
	l := luksLayer(top)
	if l == nil {
		t.Fatal("no LUKS layer was found")
	}
	end := l.Offset + l.Size
	if len(header) != len(data) {
		end = int64(len(data))
	}
	for _, p := range top.Partitions {
		if p.Content == l {
			end = p.Offset + p.Size
		}
	}
	h, err := luks.Read(bytes.NewReader(header[l.Offset:]))
	if err != nil {
		t.Fatal(err)
	}
	key, err := h.Unlock(t.Context(), []byte(pass), luks.UnlockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer key.Wipe()
	devices, err := h.Devices(key, luks.DeviceOptions{
		Name: "m", Device: "image", DeviceSize: end, Offset: l.Offset,
		Integrity: func(off int64) (luks.IntegrityArea, error) { return integrityArea(bytes.NewReader(data[:end]), off) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Open(stack.Options{Options: volume.Options{Open: func(string, int, fs.FileMode) (volume.Backend, error) {
		return volumetest.NewMemory(data), nil
	}}}, devices, "m")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size, err = s.Size()
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	bad, err = volume.ReadRange(t.Context(), volume.Bytes(s), hash, 0, size, volume.ReadOptions{KeepGoing: true})
	if err != nil {
		t.Fatal(err)
	}
	return size, hex.EncodeToString(hash.Sum(nil)), bad
}
