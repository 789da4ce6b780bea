package volume_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// TestContract: every target keeps the contract of volumes, by itself and in
// company, over memory and over files.
func TestContract(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		lines    []string
		align    int
		readOnly bool // the content is that of zero or delay, which lose writes
	}{
		{"linear", []string{"0 90 linear a 5"}, 0, false},
		{"striped", []string{"0 90 striped 3 10 a 3 b 0 c 7"}, 0, false},
		{"striped, odd chunk", []string{"0 63 striped 3 7 a 3 b 0 c 7"}, 0, false},
		{"unstriped", []string{"0 30 unstriped 3 10 2 a 1"}, 0, false},
		{"zero", []string{"0 50 zero"}, 0, true},
		{"delay", []string{"0 50 delay a 3 100"}, 0, false},
		{"delay, other device", []string{"0 50 delay a 3 100 b 1 100"}, 0, true},
		{"crypt", []string{"0 90 crypt aes-xts-plain64 " + key512 + " 7 a 5"}, 0, false},
		{"crypt, 4 KiB sectors", []string{"0 80 crypt aes-xts-plain64 " + key512 + " 8 a 8 1 sector_size:4096"}, 4096, false},
		{"crypt, cbc", []string{"0 90 crypt aes-cbc-essiv:sha256 " + key512[:64] + " 0 a 5"}, 0, false},
		{"several", []string{"0 7 linear a 11", "7 33 striped 3 11 a 30 b 7 c 33", "40 13 crypt aes-xts-plain64 " + key512 + " 1000 b 30", "53 12 unstriped 3 4 1 c 50"}, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			flag := os.O_RDWR
			if c.readOnly {
				flag = os.O_RDONLY
			}
			m := mustOpen(t, disks(100, 100, 100), os.O_RDONLY, c.lines...)
			size, _ := m.Size()
			content := mustRead(t, m, 0, int(size))
			volumetest.Run(t, volumetest.Subject{
				Open:      func(t *testing.T) volume.Backend { return mustOpen(t, disks(100, 100, 100), flag, c.lines...) },
				Content:   content,
				Alignment: c.align,
				Writable:  !c.readOnly,
			})
		})
	}
}

// TestContractVerity: a verity volume is read-only and reads by sectors.
func TestContractVerity(t *testing.T) {
	t.Parallel()
	f, line := verityDisk(t, 40, 1024)
	data, tree := f.Devices["d"].Bytes(), f.Devices["t"].Bytes()
	volumetest.Run(t, volumetest.Subject{
		Open: func(t *testing.T) volume.Backend {
			f := &volumetest.Files{Devices: map[string]*volumetest.Memory{
				"d": volumetest.NewMemory(bytes.Clone(data)), "t": volumetest.NewMemory(bytes.Clone(tree)),
			}}
			return mustOpen(t, f, os.O_RDONLY, line)
		},
		Content: data,
	})
}

// TestContractFiles: the same over real files, opened by path.
func TestContractFiles(t *testing.T) {
	t.Parallel()
	a, b := noise(1, 100*sector), noise(2, 100*sector)
	table := func(dir string) []tables.Table {
		return []tables.Table{
			tables.LinearTable{Length: 60 * sector, BackendDevice: filepath.Join(dir, "a"), BackendOffset: 40 * sector},
			tables.LinearTable{Start: 60 * sector, Length: 20 * sector, BackendDevice: filepath.Join(dir, "b")},
		}
	}
	volumetest.Run(t, volumetest.Subject{
		Open: func(t *testing.T) volume.Backend {
			dir := t.TempDir()
			for name, data := range map[string][]byte{"a": a, "b": b} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			m, err := volume.Open(volume.Options{Flag: os.O_RDWR}, table(dir)...)
			if err != nil {
				t.Fatal(err)
			}
			return m
		},
		Content:  append(bytes.Clone(a[40*sector:]), b[:20*sector]...),
		Writable: true,
	})
}

// TestCryptTraps: what another implementation got wrong. The IV offset of the
// table counts; with 4 KiB sectors and without iv_large_sectors the IV steps by
// 8 from sector to sector.
func TestCryptTraps(t *testing.T) {
	t.Parallel()
	plain := noise(9, 64*sector)
	encrypt := func(params string) []byte {
		f := disks(64)
		m := mustOpen(t, f, os.O_RDWR, "0 64 crypt aes-xts-plain64 "+key512+" "+params)
		if _, err := m.WriteAt(plain, 0); err != nil {
			t.Fatal(err)
		}
		return f.Devices["a"].Bytes()
	}
	if bytes.Equal(encrypt("0 a 0"), encrypt("8 a 0")) {
		t.Error("the iv offset changes nothing")
	}
	// With an IV offset of 8, sector 0 has the IV that sector 8 has without.
	f, g := disks(64), disks(64)
	m := mustOpen(t, f, os.O_RDWR, "0 64 crypt aes-xts-plain64 "+key512+" 0 a 0")
	n := mustOpen(t, g, os.O_RDWR, "0 8 crypt aes-xts-plain64 "+key512+" 8 a 0")
	for _, w := range []struct {
		v   volume.Volume
		off int64
	}{{m, 8 * sector}, {n, 0}} {
		if _, err := w.v.WriteAt(plain[:8*sector], w.off); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(f.Devices["a"].Bytes()[8*sector:16*sector], g.Devices["a"].Bytes()[:8*sector]) {
		t.Error("iv offset 8 is not the IV of sector 8")
	}
	small, large := encrypt("0 a 0 1 sector_size:4096"), encrypt("0 a 0 2 sector_size:4096 iv_large_sectors")
	if !bytes.Equal(small[:4096], large[:4096]) {
		t.Error("the first 4 KiB sector depends on how IVs are counted")
	}
	shifted := mustOpen(t, &volumetest.Files{Devices: map[string]*volumetest.Memory{"a": volumetest.NewMemory(small)}},
		os.O_RDONLY, "0 56 crypt aes-xts-plain64 "+key512+" 8 a 8 1 sector_size:4096")
	if !bytes.Equal(mustRead(t, shifted, 0, 56*sector), plain[8*sector:]) {
		t.Error("the second 4 KiB sector does not have IV 8")
	}
}

// TestZeroClears: the zero target overwrites what the caller's buffer held.
func TestZeroClears(t *testing.T) {
	t.Parallel()
	m := mustOpen(t, disks(8), os.O_RDONLY, "0 4 linear a 0", "4 1024 zero")
	if got := mustRead(t, m, 4*sector, 1024*sector); !bytes.Equal(got, make([]byte, 1024*sector)) {
		t.Error("a read of the zero target leaves bytes of the caller's buffer")
	}
}
