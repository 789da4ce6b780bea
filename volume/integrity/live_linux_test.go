package integrity_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
)

// The tests of this file run inside the kernel lab:
//
//	go run ./kernel/internal/lab/cmd/lab test -tools dmsetup,losetup,integritysetup -timeout 9m ./volume/integrity -test.run=Live

// inLab skips a test outside of it.
func inLab(t *testing.T) {
	t.Helper()
	if os.Getenv("DMIMG_LAB") != "1" {
		t.Skip("needs a live device-mapper: it runs inside the lab, see live_linux_test.go")
	}
	for _, tool := range []string{"dmsetup", "losetup", "integritysetup"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
}

func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// loop makes a block device of a file until the test ends.
func loop(t testing.TB, path string) string {
	t.Helper()
	dev := run(t, "losetup", "-f", "--show", path)
	t.Cleanup(func() { run(t, "losetup", "-d", dev) })
	return dev
}

// live is a device in files.
type live struct {
	data, meta string
	config     integrity.Config
}

// storage opens the files until the test ends.
func (l live) storage(t testing.TB) (data, meta integrity.Storage) {
	t.Helper()
	open := func(path string) integrity.Storage {
		b, err := volume.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		return b
	}
	if l.meta != "" {
		meta = open(l.meta)
	}
	return open(l.data), meta
}

func (l live) open(t testing.TB) *integrity.Device {
	t.Helper()
	data, meta := l.storage(t)
	d, err := integrity.Open(background, data, meta, l.config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// mapped loads the device into the kernel, lets do work on it, and removes it.
func (l live) mapped(t *testing.T, do func(path string)) {
	t.Helper()
	c := l.config
	options := []string{fmt.Sprintf("block_size:%d", c.BlockSize)}
	for word, a := range map[string]integrity.Algorithm{"internal_hash": c.InternalHash, "journal_mac": c.JournalMAC, "journal_crypt": c.JournalCrypt} {
		if a.Name == "" {
			continue
		}
		word += ":" + a.Name
		if a.Key != nil {
			word += ":" + hex.EncodeToString(a.Key)
		}
		options = append(options, word)
	}
	if c.SectorsPerBit != 0 && c.Mode == integrity.ModeBitmap {
		options = append(options, fmt.Sprintf("sectors_per_bit:%d", c.SectorsPerBit))
	}
	if c.LegacyRecalculate {
		options = append(options, "legacy_recalculate")
	}
	if l.meta != "" {
		options = append(options, "meta_device:"+loop(t, l.meta))
	}
	size := l.open(t).Size()
	name := strings.NewReplacer("/", "_", " ", "", ",", "", "(", "", ")", "").Replace(t.Name()) + "_dmimgtest"
	run(t, "dmsetup", "create", name, "--table",
		fmt.Sprintf("0 %d integrity %s %d %d %c %d %s", size/512, loop(t, l.data), c.Reserved/512, c.TagSize, c.Mode, len(options), strings.Join(options, " ")))
	do("/dev/mapper/" + name)
	run(t, "dmsetup", "remove", "--retry", name)
}

// fresh formats files with our code.
func fresh(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool) live {
	t.Helper()
	l := live{data: filepath.Join(t.TempDir(), "data")}
	truncate(t, l.data, 4<<20)
	if apart {
		l.meta = filepath.Join(t.TempDir(), "meta")
		truncate(t, l.meta, 1<<20)
	}
	data, meta := l.storage(t)
	sb, layout, err := integrity.Format(background, data, meta, c)
	if err != nil {
		t.Fatal(err)
	}
	l.config = integrity.Config{
		Reserved: c.Reserved, Mode: mode, TagSize: layout.TagSize, BlockSize: sb.BlockSize(), SectorsPerBit: c.SectorsPerBit,
		InternalHash: c.InternalHash, JournalMAC: c.JournalMAC, JournalCrypt: c.JournalCrypt,
	}
	return l
}

func truncate(t *testing.T, path string, size int64) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
}

// everyLive calls test for devices of many shapes that the lab's kernels have.
func everyLive(t *testing.T, test func(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool)) {
	inLab(t)
	key := bytes.Repeat([]byte("K"), 32)
	for name, c := range map[string]integrity.FormatConfig{
		"crc32c":       {InternalHash: integrity.Algorithm{Name: "crc32c"}},
		"old":          {InternalHash: integrity.Algorithm{Name: "crc32"}, LegacyPadding: true, LegacyHMAC: true},
		"xxhash64":     {InternalHash: integrity.Algorithm{Name: "xxhash64"}, BlockSize: 1024, InterleaveSectors: 64, SectorsPerBit: 64},
		"sha256cut":    {InternalHash: integrity.Algorithm{Name: "sha256"}, TagSize: 7, BlockSize: 4096, InterleaveSectors: 256, Reserved: 8192},
		"hmac":         {InternalHash: integrity.Algorithm{Name: "hmac(sha256)", Key: key}, JournalMAC: integrity.Algorithm{Name: "hmac(sha256)", Key: key}, JournalCrypt: integrity.Algorithm{Name: "ctr(aes)", Key: key}},
		"cbc":          {InternalHash: integrity.Algorithm{Name: "sha1"}, JournalMAC: integrity.Algorithm{Name: "hmac(sha512)", Key: key}, JournalCrypt: integrity.Algorithm{Name: "cbc(twofish)", Key: key}, LegacyHMAC: true},
		"longjournal":  {InternalHash: integrity.Algorithm{Name: "crc32c"}, JournalSectors: 2000},
		"smallregions": {InternalHash: integrity.Algorithm{Name: "crc32c"}, SectorsPerBit: 16},
	} {
		for _, mode := range []integrity.Mode{integrity.ModeJournal, integrity.ModeBitmap, integrity.ModeDirect} {
			for _, apart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s%c%v", name, mode, apart), func(t *testing.T) { test(t, c, mode, apart) })
			}
		}
	}
}

// TestLiveKernelOpensOurs: the kernel opens what we format, reads what we wrote,
// what is in our journal included, and we read what it writes.
func TestLiveKernelOpensOurs(t *testing.T) {
	everyLive(t, func(t *testing.T, c integrity.FormatConfig, mode integrity.Mode, apart bool) {
		l := fresh(t, c, mode, apart)
		l.config.LegacyRecalculate = true
		d := l.open(t)
		want := noise(3, int(d.Size()))
		if _, err := d.WriteAt(want[:len(want)/2/4096*4096], 0); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		clear(want[len(want)/2/4096*4096:])
		wantLive(t, l, want, "written and closed")

		d = l.open(t) // and now without closing: the power goes
		more := noise(4, 128<<10)
		copy(want[64<<10:], more)
		if _, err := d.WriteAt(more, 64<<10); err != nil {
			t.Fatal(err)
		}
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
		wantLive(t, l, want, "not closed")

		l.mapped(t, func(path string) {
			f, err := os.OpenFile(path, os.O_RDWR|os.O_SYNC, 0)
			if err != nil {
				t.Fatal(err)
			}
			copy(want[512<<10:], noise(5, 200<<10))
			if _, err := f.WriteAt(want[512<<10:][:200<<10], 512<<10); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
		wantContent(t, l.open(t), want)
	})
}

// wantLive compares what the kernel reads.
func wantLive(t *testing.T, l live, want []byte, when string) {
	t.Helper()
	l.mapped(t, func(path string) {
		got, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the kernel reads %d bytes, %v, and they are the same: %v", when, len(got), err, bytes.Equal(got, want))
		}
	})
}

// TestLiveFormatsAgree: integritysetup and the kernel make the superblock that we
// make, on devices of many sizes.
func TestLiveFormatsAgree(t *testing.T) {
	inLab(t)
	for i, args := range [][]string{
		{"1M"},
		{"3M", "-s", "4096"},
		{"8M", "-I", "sha256"},
		{"33M", "-I", "sha1", "-s", "2048"},
		{"64M", "-j", "1000000"},
		{"20M", "--interleave-sectors", "1000"},
		{"9M", "-I", "sha256", "-t", "9"},
		{"5M", "--integrity-legacy-padding", "--interleave-sectors", "512"},
		{"300M"},
		{"2G", "-I", "xxhash64"},
		{"40G", "-s", "4096", "-I", "sha256"},
	} {
		path := filepath.Join(t.TempDir(), "image")
		var size int64
		var unit byte
		if _, err := fmt.Sscanf(args[0], "%d%c", &size, &unit); err != nil {
			t.Fatal(err)
		}
		truncate(t, path, size<<map[byte]int{'M': 20, 'G': 30}[unit])
		out, err := exec.Command("integritysetup", append([]string{"format", "-q", "--no-wipe", loop(t, path)}, args[1:]...)...).CombinedOutput()
		t.Logf("%d: integritysetup format %v: %v %s", i, args, err, out)
		info, _ := os.Stat(path)
		f, _ := os.Open(path)
		sb, rerr := integrity.ReadSuperblock(f, 0)
		_ = f.Close()
		if rerr != nil {
			t.Logf("    none: %v", rerr)
			continue
		}
		c := integrity.FormatConfig{InternalHash: integrity.Algorithm{Name: "crc32c"}}
		for j := 1; j < len(args); j++ {
			n := int64(0)
			if j+1 < len(args) {
				_, _ = fmt.Sscan(args[j+1], &n)
			}
			switch args[j] {
			case "-s":
				c.BlockSize = int(n)
			case "-t":
				c.TagSize = int(n)
			case "-j":
				c.JournalSectors = n / 512
			case "-I":
				c.InternalHash.Name = args[j+1]
			case "--interleave-sectors":
				c.InterleaveSectors = n
			case "--integrity-legacy-padding":
				c.LegacyPadding = true
			}
		}
		c.LegacyHMAC = sb.Flags&integrity.FlagFixHMAC == 0
		ours, _, perr := integrity.Plan(c, info.Size(), 0)
		if perr != nil {
			t.Errorf("%v: Plan: %v", args, perr)
			continue
		}
		ours.Salt = sb.Salt
		if *ours != *sb {
			t.Errorf("%v: planned\n%s\nintegritysetup and the kernel made\n%s", args, ours.Text(), sb.Text())
		}
	}
}

// TestLiveTranscripts prints what integritysetup says, for the drop-in.
func TestLiveTranscripts(t *testing.T) {
	inLab(t)
	path := filepath.Join(t.TempDir(), "image")
	truncate(t, path, 4<<20)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, bytes.Repeat([]byte("k"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	dev := loop(t, path)
	truncate(t, path+"meta", 1<<20)
	metaDev := loop(t, path+"meta")
	hmac := []string{"-I", "hmac-sha256", "--integrity-key-file", key, "--integrity-key-size", "32"}
	for _, args := range [][]string{
		{"format", dev},
		{"format", "-q", dev},
		{"format", "-q", "-v", "--progress-frequency", "1", dev},
		{"status", "x_dmimgtest"},
		{"open", dev, "x_dmimgtest"},
		{"open", dev, "x_dmimgtest"},
		{"open", dev, "y_dmimgtest"},
		{"status", "x_dmimgtest"},
		{"status", "-v", "/dev/mapper/x_dmimgtest"},
		{"TABLE"},
		{"format", "-q", dev},
		{"resize", "x_dmimgtest"},
		{"close", "x_dmimgtest"},
		{"close", "x_dmimgtest"},
		{"open", "-D", "--allow-discards", "--buffer-sectors", "64", dev, "x_dmimgtest"},
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		{"open", "-B", "--bitmap-sectors-per-bit", "64", "--bitmap-flush-time", "500", dev, "x_dmimgtest"},
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "-v", "x_dmimgtest"},
		{"open", "-R", dev, "x_dmimgtest"},
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		{"open", "--integrity-recalculate", dev, "x_dmimgtest"},
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		{"open", "-I", "sha256", dev, "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		append([]string{"format", "-q", "--no-wipe", dev}, hmac...), append([]string{"open", dev, "x_dmimgtest"}, hmac...),
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		append([]string{"format", "-q", "--journal-integrity", "hmac-sha256", "--journal-integrity-key-file", key, "--journal-integrity-key-size", "32", "--journal-crypt", "ctr-aes", "--journal-crypt-key-file", key, "--journal-crypt-key-size", "32", "-t", "8", dev}, hmac...),
		{"dump", dev},
		append([]string{"open", "--journal-integrity", "hmac-sha256", "--journal-integrity-key-file", key, "--journal-integrity-key-size", "32", "--journal-crypt", "ctr-aes", "--journal-crypt-key-file", key, "--journal-crypt-key-size", "32", dev, "x_dmimgtest"}, hmac...),
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		{"format", "-q", "-I", "foo", dev},
		{"format", "-q", "-s", "700", dev},
		{"format", "-q", "-t", "300", dev},
		{"format", "-q", "-I", "hmac-sha256", dev},
		{"format", "-q", "--integrity-key-file", key, dev},
		{"open", path + "no", "x_dmimgtest"},
		{"close", "--deferred", "--cancel-deferred", "x"},
		{"open", "-B", "-D", dev, "x"},
		{"open", "--no-wipe", dev, "x"},
		{"format", "-q", path},
		{"format", "-q", "--data-device", dev, metaDev},
		{"open", "--data-device", dev, metaDev, "x_dmimgtest"},
		{"status", "x_dmimgtest"},
		{"TABLE"},
		{"close", "x_dmimgtest"},
		{"format", "-q", dev},
		{"open", "-I", "foo", dev, "x_dmimgtest"},
		{"open", "-I", "hmac-sha256", dev, "x_dmimgtest"},
		{"open", "--journal-integrity", "sha1", dev, "x_dmimgtest"},
		{"format", "-q", "--journal-integrity", "sha1", dev},
	} {
		if args[0] == "TABLE" {
			out, _ := exec.Command("dmsetup", "table", "--showkeys", "x_dmimgtest").CombinedOutput()
			info, _ := exec.Command("dmsetup", "info", "-c", "x_dmimgtest").CombinedOutput()
			t.Logf("table: %s%s", out, info)
			continue
		}
		cmd := exec.Command("integritysetup", args...)
		cmd.Stdin = strings.NewReader("YES\n")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		t.Logf("$ integritysetup %s\n%v\nstdout: %s\nstderr: %s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
}
