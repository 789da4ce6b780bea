package volume_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/stack"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// taggedCases are the cases of the corpora with tags beside encrypted sectors
// whose key is in the table, by name.
func taggedCases(t *testing.T) map[string]volumetest.Case {
	t.Helper()
	cases := make(map[string]volumetest.Case)
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range volumetest.Cases(t, corpus) {
			isTagged := func(line string) bool {
				return strings.Contains(line, " integrity:") && !strings.Contains(line, " :")
			}
			if len(c.Expects) == 1 && slices.ContainsFunc(c.Tables[c.Expects[0].Device], isTagged) {
				cases[c.Name] = c
			}
		}
	}
	if len(cases) < 14 {
		t.Errorf("%d cases with tags, want at least 14", len(cases))
	}
	return cases
}

// openTagged opens the device on top of a case, or of these devices instead.
func openTagged(t *testing.T, c volumetest.Case, paths map[string]string, flag int, devices ...tables.Device) *stack.Stack {
	t.Helper()
	if devices == nil {
		devices = c.Devices(t)
	}
	s, err := stack.Open(stack.Options{Options: volume.Options{Flag: flag}, Map: paths}, devices, c.Expects[0].Device)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestTaggedWritten writes over all of every case with tags, sectors that could
// not be read too, in pieces; closes, opens again and reads the same.
func TestTaggedWritten(t *testing.T) {
	t.Parallel()
	for name, c := range taggedCases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			paths := c.Paths(c.Unpack(t))
			s := openTagged(t, c, paths, os.O_RDWR)
			size, err := s.Size()
			if err != nil {
				t.Fatal(err)
			}
			want := noise(7, int(size))
			for at, n := 0, sector; at < len(want); at, n = at+n, 2*n {
				n = min(n, len(want)-at)
				if w, err := s.WriteAt(want[at:at+n], int64(at)); w != n || err != nil {
					t.Fatalf("WriteAt of %d bytes at %d = %d, %v", n, at, w, err)
				}
			}
			if got := mustRead(t, s, 0, len(want)); !bytes.Equal(got, want) {
				t.Error("before it is closed it reads differently")
			}
			if err := errors.Join(s.Sync(), s.Close()); err != nil {
				t.Fatal(err)
			}
			if got := mustRead(t, openTagged(t, c, paths, os.O_RDONLY), 0, len(want)); !bytes.Equal(got, want) {
				t.Error("opened again it reads differently")
			}
		})
	}
}

// TestTaggedFromOffset puts the encrypted device behind the first sectors of the
// tagged one. What it writes is bound to its own sector numbers: read in its
// place from the start of the device it does not authenticate.
func TestTaggedFromOffset(t *testing.T) {
	t.Parallel()
	const first, count = 16, 64
	c, ok := taggedCases(t)["aead-gcm-plain64"]
	if !ok {
		t.Skip("the case is not in the corpora")
	}
	paths := c.Paths(c.Unpack(t))
	shifted := c.Devices(t)
	for i := range shifted {
		if table, ok := shifted[i].Tables[0].(tables.CryptTable); ok {
			table.BackendOffset, table.Length = first*sector, count*sector
			shifted[i].Tables = []tables.Table{table}
		}
	}
	before := mustRead(t, openTagged(t, c, paths, os.O_RDONLY), 0, 200*sector)
	s := openTagged(t, c, paths, os.O_RDWR, shifted...)
	want := noise(3, count*sector)
	if n, err := s.WriteAt(want, 0); n != len(want) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	if got := mustRead(t, s, 0, len(want)); !bytes.Equal(got, want) {
		t.Error("it reads differently")
	}
	if err := errors.Join(s.Sync(), s.Close()); err != nil {
		t.Fatal(err)
	}
	whole := openTagged(t, c, paths, os.O_RDONLY)
	got := make([]byte, 200*sector)
	n, err := whole.ReadAt(got, 0)
	if n != first*sector || !errors.Is(err, crypt.ErrIntegrity) || !bytes.Equal(got[:n], before[:n]) {
		t.Errorf("ReadAt = %d, %v, want %d and an error of authentication", n, err, first*sector)
	}
	var out bytes.Buffer
	bad, err := volume.ReadRange(background, whole, &out, 0, 200*sector, volume.ReadOptions{KeepGoing: true})
	if err != nil || !slices.Equal(bad, []volume.Extent{{Offset: first * sector, Length: count * sector}}) {
		t.Errorf("unreadable: %v, %v, want the %d sectors from %d on", bad, err, count, first)
	}
	clear(before[first*sector : (first+count)*sector])
	if !bytes.Equal(out.Bytes(), before) {
		t.Error("the sectors around it differ")
	}
}

// TestTaggedDiscard: integrity devices without a hash do not discard, so a crypt
// device on one does not either, whatever its table says.
func TestTaggedDiscard(t *testing.T) {
	t.Parallel()
	c, ok := taggedCases(t)["aead-gcm-plain64"]
	if !ok {
		t.Skip("the case is not in the corpora")
	}
	devices := c.Devices(t)
	for i := range devices {
		if table, ok := devices[i].Tables[0].(tables.CryptTable); ok {
			table.Flags = append(table.Flags, tables.CryptFlagAllowDiscards)
			devices[i].Tables = []tables.Table{table}
		}
	}
	s := openTagged(t, c, c.Paths(c.Unpack(t)), os.O_RDWR, devices...)
	if err := s.Discard(0, 8*sector); !errors.Is(err, volume.ErrUnsupported) {
		t.Errorf("Discard = %v, want %v", err, volume.ErrUnsupported)
	}
	mustRead(t, s, 0, 8*sector)
}

// TestTagsAreRefused: tags need an integrity device without a hash, of the right
// sectors and enough room.
func TestTagsAreRefused(t *testing.T) {
	t.Parallel()
	c, ok := taggedCases(t)["aead-gcm-plain64"]
	if !ok {
		t.Skip("the case is not in the corpora")
	}
	paths := c.Paths(c.Unpack(t))
	for _, test := range []struct {
		change func(*tables.CryptTable)
		want   error
		text   string
	}{
		{func(t *tables.CryptTable) { t.Integrity = "28:aead" }, crypt.ErrTagSize, "only 16 bytes"},
		{func(t *tables.CryptTable) { t.Integrity = "14:hmac" }, tables.ErrSyntax, `"hmac"`},
		{func(t *tables.CryptTable) { t.Key = t.Key[1:] }, crypt.ErrKeySize, "15 bytes"},
		{func(t *tables.CryptTable) { t.SectorSize = 4096 }, crypt.ErrSectorSize, "a tag for each 512"},
		{func(t *tables.CryptTable) { t.IntegrityKeySize = 16 }, crypt.ErrKeySize, "no key of a MAC"},
		{func(t *tables.CryptTable) { t.BackendDevice = "7:0" }, volume.ErrUnsupported, "no integrity device"},
	} {
		devices := c.Devices(t)
		for i := range devices {
			if table, ok := devices[i].Tables[0].(tables.CryptTable); ok {
				test.change(&table)
				devices[i].Tables = []tables.Table{table}
			}
		}
		s, err := stack.Open(stack.Options{Map: paths}, devices, c.Expects[0].Device)
		if err == nil {
			_ = s.Close()
		}
		if !errors.Is(err, test.want) || !strings.Contains(fmt.Sprint(err), test.text) {
			t.Errorf("Open = %v, want %v with %q", err, test.want, test.text)
		}
	}
}
