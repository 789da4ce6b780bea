package probe

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

type stackManifest struct {
	Images []struct {
		Name string `json:"name"`
		Loop string `json:"loop"`
	} `json:"images"`
	ToolOutput map[string]string `json:"tool_output"`
	RootHash   string            `json:"root_hash"`
}

// TestStacks probes whole disks made by the real tools, and wants what blkid and sfdisk printed about them
// while they were attached to a live kernel.
func TestStacks(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks many images")
	}
	root := shared(t, "stacks")
	var index []struct {
		Case string `json:"case"`
	}
	readJSON(t, filepath.Join(root, "index.json"), &index)
	if len(index) == 0 {
		t.Fatal("the index is empty")
	}
	for _, c := range index {
		t.Run(c.Case, func(t *testing.T) {
			t.Parallel()
			var m stackManifest
			readJSON(t, filepath.Join(root, c.Case, "manifest.json"), &m)
			blkid := blkidLines(&m)
			var layers []*Layer
			for _, image := range m.Images {
				path := filepath.Join(root, c.Case, image.Name+".xz")
				if _, err := os.Stat(path); err != nil {
					continue // a lost disk
				}
				l := inspect(t, unxz(t, path))
				if tags, ok := blkid[image.Loop]; ok {
					matchesBlkid(t, image.Name, l, tags)
				}
				for _, p := range l.Partitions {
					tags, ok := blkid[fmt.Sprintf("%sp%d", image.Loop, p.Number)]
					if ok && p.Content != nil {
						matchesBlkid(t, fmt.Sprintf("%s partition %d", image.Name, p.Number), p.Content, tags)
					}
				}
				if dump, ok := m.ToolOutput["sfdisk -d "+image.Loop]; ok {
					matchesSfdisk(t, l, dump)
				}
				layers = append(layers, l)
				if len(l.Problems) > 0 {
					t.Errorf("%s: problems %q, want none", image.Name, l.Problems)
				}
			}
			wantRootHash(t, layers, m.RootHash)
		})
	}
}

var blkidTag = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)

// blkidLines collects what blkid printed, by device.
func blkidLines(m *stackManifest) map[string]map[string]string {
	devices := map[string]map[string]string{}
	for command, out := range m.ToolOutput {
		if !strings.HasPrefix(command, "blkid") {
			continue
		}
		for _, line := range strings.Split(out, "\n") {
			device, rest, ok := strings.Cut(line, ": ")
			if !ok || !strings.HasPrefix(device, "/dev/loop") {
				continue
			}
			tags := map[string]string{}
			for _, m := range blkidTag.FindAllStringSubmatch(rest, -1) {
				tags[m[1]] = m[2]
			}
			if tags["TYPE"] != "" || tags["PTTYPE"] != "" {
				devices[device] = tags
			}
		}
	}
	return devices
}

// matchesSfdisk compares a partition table with the output of sfdisk -d for the same disk.
func matchesSfdisk(t testing.TB, l *Layer, dump string) {
	t.Helper()
	n, unit := 0, int64(sector)
	for _, line := range strings.Split(dump, "\n") {
		if v, ok := strings.CutPrefix(line, "sector-size:"); ok {
			unit = number(t, v)
		}
		if v, ok := strings.CutPrefix(line, "label-id:"); ok {
			want := strings.TrimPrefix(strings.ToLower(strings.TrimSpace(v)), "0x")
			if l.UUID != want {
				t.Errorf("disk id %q, sfdisk says %q", l.UUID, want)
			}
		}
		if !strings.Contains(line, "start=") {
			continue
		}
		if n >= len(l.Partitions) {
			t.Fatalf("%d partitions, sfdisk has more: %s", len(l.Partitions), line)
		}
		matchesSfdiskLine(t, &l.Partitions[n], line, unit)
		n++
	}
	if n != len(l.Partitions) {
		t.Errorf("%d partitions, sfdisk has %d", len(l.Partitions), n)
	}
}

func matchesSfdiskLine(t testing.TB, p *Partition, line string, unit int64) {
	t.Helper()
	device, rest, _ := strings.Cut(line, " : ")
	if !strings.HasSuffix(strings.TrimSpace(device), strconv.Itoa(p.Number)) {
		t.Errorf("partition number %d, sfdisk says %q", p.Number, device)
	}
	for _, part := range strings.Split(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		v = strings.Trim(v, `" `)
		var got, want any
		switch k {
		case "start":
			got, want = p.Offset, number(t, v)*unit
		case "size":
			got, want = p.Size, number(t, v)*unit
		case "type":
			got, want = p.Type, strings.ToLower(v)
			if len(v) <= 2 {
				want = fmt.Sprintf("0x%02s", strings.ToLower(v))
			}
		case "uuid":
			got, want = p.UUID, strings.ToLower(v)
		case "name":
			got, want = p.Name, v
		case "bootable":
			got, want = strings.Join(p.Attributes, " "), "active"
		}
		if got != want {
			t.Errorf("partition %d: %s %v, sfdisk says %v", p.Number, k, got, want)
		}
	}
}

func number(t testing.TB, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// wantRootHash wants a verity superblock in one of the layers whose tree has that root hash.
func wantRootHash(t testing.TB, layers []*Layer, root string) {
	t.Helper()
	if root == "" {
		return
	}
	for _, l := range layers {
		below := append([]*Layer{l}, l.Also...)
		for _, p := range l.Partitions {
			if p.Content != nil {
				below = append(below, p.Content)
			}
		}
		for _, l := range below {
			if l.Kind == "verity" && l.field("stored_root_hash") == root {
				return
			}
		}
	}
	t.Errorf("root hash %s of the case was not found", root)
}

// TestVerityPartitionsJoined wants one table of all devices for a disk of the Discoverable Partitions
// Specification, the same as the kernel printed.
func TestVerityPartitionsJoined(t *testing.T) {
	t.Parallel()
	root := shared(t, "stacks")
	for _, name := range []string{"verity-gpt-ext4-0", "verity-gpt-erofs-0", "verity-gpt-squashfs-0", "verity-repart-0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m stackManifest
			readJSON(t, filepath.Join(root, name, "manifest.json"), &m)
			_, want, ok := strings.Cut(strings.TrimSpace(m.ToolOutput["dmsetup table --showkeys"]), ": ")
			if !ok {
				t.Skip("the case has no table")
			}
			l := inspect(t, unxz(t, filepath.Join(root, name, "disk0.img.xz")))
			got := strings.Fields(l.OpenWith[len(l.OpenWith)-1])
			words := strings.Fields(want)
			if got[0] != "root-x86-64-1:" && got[0] != "root-x86-64-2:" {
				t.Errorf("device %q, want root-x86-64-1 or -2", got[0])
			}
			got = got[1:]
			if len(got) < 13 || len(words) < 13 {
				t.Fatalf("line %q, the kernel's %q: too short", got, words)
			}
			for _, w := range [][]string{got, words} {
				w[4], w[5] = "DATA", "HASH"
			}
			if strings.Join(got, " ") != strings.Join(words[:13], " ") {
				t.Errorf("line\n%s\nthe kernel's\n%s", strings.Join(got, " "), strings.Join(words, " "))
			}
		})
	}
}

type kernelCase struct {
	Name   string              `json:"name"`
	Tables map[string][]string `json:"tables"`
	Map    map[string]string   `json:"map"`
}

// metadataWords says which word of a table line names a device with a superblock of its own, and of what kind.
var metadataWords = map[string]struct {
	word int // counted after the target name
	kind string
}{
	"thin-pool": {0, "thin-pool"}, "cache": {0, "cache"}, "era": {0, "era"}, "clone": {0, "clone"},
	"snapshot": {1, "snapshot-cow"}, "snapshot-merge": {1, "snapshot-cow"},
	"writecache": {2, "writecache"}, "integrity": {0, "integrity"}, "verity": {2, "verity"},
}

// TestKernelVolumes probes the metadata devices that a real kernel wrote.
func TestKernelVolumes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("unpacks many images")
	}
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		root := shared(t, corpus)
		var cases []kernelCase
		readJSON(t, filepath.Join(root, "index.json"), &cases)
		for _, c := range cases {
			want := wantedKinds(&c, corpus)
			if len(want) == 0 {
				continue
			}
			t.Run(corpus+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				images := untar(t, filepath.Join(root, c.Name+".tar.xz"))
				for name, kind := range want {
					image, ok := images[name]
					if !ok || allZero(image[:min(len(image), 4096)]) {
						continue
					}
					if l := inspect(t, image); l.Kind != kind {
						t.Errorf("%s: kind %q, want %q", name, l.Kind, kind)
					}
				}
			})
		}
	}
}

// wantedKinds returns the kind by image name for a case whose images can be told from its tables.
// veritysetup wrote a superblock in the first corpus only.
func wantedKinds(c *kernelCase, corpus string) map[string]string {
	want := map[string]string{}
	if strings.HasPrefix(c.Name, "corrupt-") || strings.Contains(c.Name, "nosb") || c.Name == "snapshot-N" || strings.Contains(c.Name, "clone-fresh") {
		return nil
	}
	superblock := corpus == "kernel-samples"
	for _, lines := range c.Tables {
		for _, line := range lines {
			f := strings.Fields(line)
			m, ok := metadataWords[f[2]]
			if !ok {
				continue
			}
			// The superblock stands at byte 0 only when the table starts it there.
			if (f[2] == "integrity" && (f[4] != "0" || strings.Contains(line, "meta_device"))) ||
				(f[2] == "writecache" && strings.Contains(line, "start_sector")) ||
				(f[2] == "verity" && !superblock) {
				continue
			}
			if name, ok := c.Map[f[3+m.word]]; ok && !strings.HasPrefix(name, "@") {
				want[name] = m.kind
			}
		}
	}
	return want
}

func untar(t testing.TB, path string) map[string][]byte {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no archive: %v", err)
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(unxz(t, path))); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if _, err := io.Copy(&b, tr); err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(h.Name)] = b.Bytes()
	}
}
