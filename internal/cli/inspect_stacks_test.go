package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// stackDevice is a layer of a whole-disk image as a live kernel read it.
type stackDevice struct {
	Name   string   `json:"name"`
	Layers []string `json:"layers"` // from image to device
	Size   int64    `json:"size"`
	SHA256 string   `json:"sha256"`
	Lost   [][2]int `json:"unreadable"`
}

type foundLayer struct {
	Kind       string   `json:"kind"`
	OpenWith   []string `json:"open_with"`
	Partitions []struct {
		Number  int         `json:"number"`
		Content *foundLayer `json:"content"`
	} `json:"partitions"`
	Also []foundLayer `json:"also"`
}

// TestInspectOpens takes the lines that inspect prints for whole disks, gives them to volume read, and demands
// what the kernel returned for the same devices.
func TestInspectOpens(t *testing.T) {
	t.Parallel()
	root := sharedFolder(t, "stacks")
	cases := map[string][]string{ // case: devices that a table without passphrase, RAID or LVM opens
		"gpt-esp-ext4-0":       {"p1", "p2"},
		"mbr-ext4-0":           {"p1"},
		"verity-gpt-ext4-0":    {"vroot"},
		"verity-gpt-erofs-0":   {"vroot"},
		"verity-gpt-corrupt-0": {"vroot"},
		"verity-appended-0":    {"vroot"},
		"luks1-xfs-0":          nil,
		"luks2-4k-0":           nil,
	}
	for name, devices := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m struct {
				Devices    []stackDevice     `json:"devices"`
				ToolOutput map[string]string `json:"tool_output"`
				RootHash   string            `json:"root_hash"`
			}
			if err := json.Unmarshal(readFile(t, filepath.Join(root, name, "manifest.json")), &m); err != nil {
				t.Fatal(err)
			}
			image := unpackXZ(t, filepath.Join(root, name, "disk0.img.xz"))
			var found struct {
				Images []struct {
					Layer foundLayer `json:"layer"`
				} `json:"images"`
			}
			if err := json.Unmarshal([]byte(mustRun(t, "inspect", "--json", image)), &found); err != nil {
				t.Fatal(err)
			}
			layer := found.Images[0].Layer
			read := 0
			for _, d := range m.Devices {
				if devices != nil && !contains(devices, d.Name) {
					continue
				}
				lines, device := linesFor(layer, d)
				if len(lines) == 0 {
					t.Errorf("device %s (%s): inspect says nothing to open it with", d.Name, strings.Join(d.Layers, " "))
					continue
				}
				text := strings.Join(lines, "\n") + "\n"
				text = strings.ReplaceAll(text, " ROOT ", " "+m.RootHash+" ")
				text = strings.ReplaceAll(text, " KEY ", " "+keyOf(m.ToolOutput["dmsetup table --showkeys"])+" ")
				wantDevice(t, text, device, d)
				read++
			}
			if read == 0 {
				t.Errorf("no device of %d was read", len(m.Devices))
			}
		})
	}
}

// linesFor picks the lines and the name for a device of the manifest out of what inspect found.
func linesFor(l foundLayer, d stackDevice) (lines []string, device string) {
	switch last := d.Layers[len(d.Layers)-1]; {
	case strings.HasPrefix(last, "gpt:"), strings.HasPrefix(last, "mbr:"):
		return l.OpenWith, "p" + last[4:]
	case strings.HasPrefix(last, "verity") && len(l.Partitions) > 0:
		line := l.OpenWith[len(l.OpenWith)-1]
		device, _, _ = strings.Cut(line, ": ")
		return l.OpenWith, device
	case strings.HasPrefix(last, "verity") && len(l.Also) > 0:
		return l.Also[0].OpenWith[1:], ""
	case strings.HasPrefix(last, "luks"):
		return l.OpenWith, ""
	}
	return nil, ""
}

// keyOf is the key word of the crypt line that a live kernel printed.
func keyOf(table string) string {
	for line := range strings.Lines(table) {
		words := strings.Fields(line)
		for i, w := range words {
			if w == "crypt" && i+2 < len(words) {
				return words[i+2]
			}
		}
	}
	return "-"
}

func wantDevice(t *testing.T, table, device string, d stackDevice) {
	t.Helper()
	if strings.Contains(table, " :") {
		t.Skipf("%s: the kernel's key is in its keyring", d.Name)
	}
	dir := t.TempDir()
	path, out := writeFile(t, filepath.Join(dir, "table"), []byte(table)), filepath.Join(dir, "out")
	args := []string{"volume", "read", "--table", path, "--keep-going", out}
	if device != "" {
		args = append(args, "--name", device)
	}
	r := dmimg(t, args...)
	code := 0
	if len(d.Lost) > 0 {
		code = 3
	}
	if r.code != code {
		t.Fatalf("%s: exit status %d, want %d: %s\n%s", d.Name, r.code, code, r.stderr, table)
	}
	got := readFile(t, out)
	if int64(len(got)) != d.Size || digestOf(got) != d.SHA256 {
		t.Errorf("%s: %d bytes with digest %s, the kernel read %d with %s\n%s", d.Name, len(got), digestOf(got), d.Size, d.SHA256, table)
	}
}

// sharedFolder is a folder of the shared corpus, which stands beside the repository.
func sharedFolder(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "testdata", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the shared corpus is not here: %v", err)
	}
	return path
}

func unpackXZ(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "disk"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := out.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Name()
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
