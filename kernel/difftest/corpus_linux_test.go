package difftest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
	"github.com/dmimg/dmimg/kernel/internal/lab/labtest"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
)

// volumeCase is a volume that the live kernel made and read, as the index of a corpus in
// testdata/images describes it.
type volumeCase struct {
	Name     string              `json:"name"`
	Family   string              `json:"family"` // target
	MadeWith string              `json:"made_with"`
	Tables   map[string][]string `json:"tables"`
	Map      map[string]string   `json:"map"`
	Expects  []expectation       `json:"expects"`
	Status   []string            `json:"status"`
	SHA256   map[string]string   `json:"sha256"`
}

// expectation is what a device of a case reads as.
type expectation struct {
	Device  string     `json:"device"`
	Content string     `json:"content"`
	EIO     [][2]int64 `json:"eio,omitempty"` // first sector, count
}

// TestLiveCorpus makes the volumes of the short rows, of targets without an engine too,
// writes and reads them with the live kernel, and leaves their images, with index.json,
// as the artifact "corpus". "regenerate lab" packs them into testdata/images/lab.
func TestLiveCorpus(t *testing.T) {
	labtest.Inside(t)
	if freshSeed() == "" {
		t.Skipf("%s is not set: makes images for testdata, compares nothing", seedVariable)
	}
	hurry(t)
	dir := filepath.Join(guest.OutDir, "corpus")
	var list []volumeCase
	for _, r := range rows() {
		if !r.short || r.noRead != "" || r.better != "" || len(r.disks) == 0 {
			continue
		}
		t.Run(r.name, func(t *testing.T) {
			c, err := saveVolume(t, r, dir, len(list))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
		})
	}
	content, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.json"), append(content, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

// saveVolume makes, writes, reads and removes the devices of a row; its images, as the
// kernel left them, go to a folder of dir.
func saveVolume(t *testing.T, r row, dir string, serial int) (c volumeCase, err error) {
	s, err := newSetup(kerneltest.Require(t), r, serial)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	c = volumeCase{
		Name: strings.NewReplacer("/", "-", " ", "-", ":", "-", ",", "-").Replace(r.name), Family: r.target(), MadeWith: release(t),
		Tables: map[string][]string{}, Map: map[string]string{}, SHA256: map[string]string{},
	}
	err = s.up()
	if why := s.missing(err); why != "" {
		t.Skip(why)
	}
	if err != nil {
		return c, err
	}
	seen, err := s.firstUse()
	if err != nil {
		return c, err
	}
	if err := s.describe(&c); err != nil {
		return c, err
	}
	if err := s.down(); err != nil {
		return c, err
	}
	return c, s.save(&c, seen, filepath.Join(dir, c.Name))
}

// describe asks the kernel for the tables and the status of the live devices. Devices are
// called by the names of the row, images by those of the files.
func (s *setup) describe(c *volumeCase) error {
	for _, d := range s.row.devices {
		ref := kernel.ByName(s.deviceName(d))
		report, err := s.control.TableLines(ref, kernel.TableOptions{})
		if err != nil {
			return err
		}
		for _, l := range report.Lines {
			c.Tables[d.called()] = append(c.Tables[d.called()], lineText(l))
		}
		if report, err = s.control.Status(ref, kernel.StatusOptions{}); err != nil {
			return err
		}
		for _, l := range report.Lines {
			c.Status = append(c.Status, d.called()+": "+lineText(l))
		}
		c.Map[s.words["{"+d.name+"}"]] = "@" + d.called()
	}
	for word, path := range s.paths {
		if i := slices.Index(s.files, path); i >= 0 {
			c.Map[word] = fmt.Sprintf("disk%d.img", i)
		}
	}
	return nil
}

// called is the device's name in an index.
func (d device) called() string {
	if d.name == "" {
		return "top"
	}
	return d.name
}

// save copies the images and what was read of the top device.
func (s *setup) save(c *volumeCase, seen sight, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	e := expectation{Device: s.row.devices[len(s.row.devices)-1].called(), Content: "plain.img"}
	for _, x := range seen.unreadable {
		e.EIO = append(e.EIO, [2]int64{x.Offset / tables.SectorSize, x.Length / tables.SectorSize})
	}
	c.Expects = []expectation{e}
	images := map[string][]byte{e.Content: blank(seen.content, seen.unreadable)}
	for i, path := range s.files {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		images[fmt.Sprintf("disk%d.img", i)] = content
	}
	for name, content := range images {
		sum := sha256.Sum256(content)
		c.SHA256[name] = hex.EncodeToString(sum[:])
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// blank has zeros for what could not be read.
func blank(content []byte, unreadable []volume.Extent) []byte {
	content = slices.Clone(content)
	for _, x := range unreadable {
		clear(content[x.Offset : x.Offset+x.Length])
	}
	return content
}
