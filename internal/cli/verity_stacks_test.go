package cli_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVolumeReadVerityStacks reads the verity devices of whole disks with the tables that the
// kernel had, and demands its bytes and the ranges it could not read.
func TestVolumeReadVerityStacks(t *testing.T) {
	t.Parallel()
	folders, err := filepath.Glob(filepath.Join(sharedFolder(t, "stacks"), "verity-*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no verity case in the corpus: %v", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			var s verityDisk
			if err := json.Unmarshal(readFile(t, filepath.Join(folder, "manifest.json")), &s); err != nil {
				t.Fatal(err)
			}
			found := 0
			args, below := s.mapped(t, folder)
			for _, d := range s.Devices {
				if strings.HasPrefix(d.Layers[len(d.Layers)-1], "verity") {
					found++
					s.read(t, d, args, below)
				}
			}
			if found == 0 {
				t.Error("no verity device in the manifest")
			}
		})
	}
}

// verityDisk is the manifest of a case.
type verityDisk struct {
	Images     []struct{ Name string }
	Devices    []stackDevice
	ToolOutput map[string]string `json:"tool_output"`
	Block      map[string]struct {
		Name, Image string
		Partition   int
		Start       int64 // bytes
	}
}

// mapped is what volume read is told about the devices under a table: flags, and lines
// for the partitions.
func (s *verityDisk) mapped(t *testing.T, folder string) (args []string, lines string) {
	t.Helper()
	images := map[string]string{}
	for _, i := range s.Images {
		images[i.Name] = unpackXZ(t, filepath.Join(folder, i.Name+".xz"))
	}
	for number, b := range s.Block {
		path, ok := images[b.Image]
		switch {
		case ok && b.Partition > 0:
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			lines += fmt.Sprintf("%s: 0 %d linear %s %d\n", b.Name, (info.Size()-b.Start)/512, b.Image, b.Start/512)
			args = append(args, "--map", number+"=@"+b.Name, "--map", b.Image+"="+path)
		case ok:
			args = append(args, "--map", number+"="+path)
		}
	}
	return args, lines
}

// read reads one device. Where the kernel printed the table of another one over the same
// disk, this one has no options.
func (s *verityDisk) read(t *testing.T, d stackDevice, args []string, below string) {
	t.Helper()
	name, line, ok := strings.Cut(strings.TrimSpace(s.ToolOutput["dmsetup table --showkeys"]), ": ")
	if !ok {
		t.Fatalf("the case has no table: %q", s.ToolOutput)
	}
	if name != d.Name {
		line = strings.Join(strings.Fields(line)[:13], " ")
	}
	dir := t.TempDir()
	table := writeFile(t, filepath.Join(dir, "table"), []byte(below+"device: "+line+"\n"))
	out := filepath.Join(dir, "out")
	r := dmimg(t, slices.Concat([]string{"volume", "read", "--table", table, "--name", "device", "--keep-going"}, args, []string{out})...)
	var lost []string
	code := 0
	for _, l := range d.Lost {
		lost, code = append(lost, fmt.Sprintf("unreadable %d %d", l[0], l[1])), 3
	}
	if r.code != code {
		t.Fatalf("%s: exit status %d, want %d: %s", d.Name, r.code, code, r.stderr)
	}
	if got := unreadableLines(r.stderr); !slices.Equal(got, lost) {
		t.Errorf("%s: %q, the kernel could not read %q", d.Name, got, lost)
	}
	if got := readFile(t, out); int64(len(got)) != d.Size || digestOf(got) != d.SHA256 {
		t.Errorf("%s: %d bytes with digest %s, the kernel read %d with %s", d.Name, len(got), digestOf(got), d.Size, d.SHA256)
	}
}
