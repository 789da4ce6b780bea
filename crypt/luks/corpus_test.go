package luks_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
	"github.com/dmimg/dmimg/volume/stack"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// secret is a passphrase or key of the corpus, and what it opens.
type secret struct {
	Slot       *int
	Hex        *string `json:"passphrase_hex"`
	KeyFile    string
	FileOffset int `json:"keyfile_offset"`
	FileSize   int `json:"keyfile_size"`
	Result     *struct {
		Slot       int
		VolumeKey  string `json:"volume_key_hex"`
		DataOffset int64  `json:"data_offset"`
		DataSize   int64  `json:"data_size"`
		SHA256     string `json:"plaintext_sha256"`
	}
}

// image is an entry of either list of the corpus.
type image struct {
	ID, File   string
	DataOffset int64    `json:"data_offset"`
	DataSize   int64    `json:"data_size"`
	VolumeKey  string   `json:"volume_key_hex"`
	SHA256     string   `json:"plaintext_sha256"`
	Unlock     []secret `json:"unlock"`
	Refuse     []secret `json:"must_not_unlock"`
}

// TestCorpus opens every image with every key, refuses every wrong one, and compares the
// plaintext.
func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"generated.json", "third_party.json"} {
		text, err := os.ReadFile(corpusPath(t, "luks", name))
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Cases []image }
		if err := json.Unmarshal(text, &list); err != nil || len(list.Cases) == 0 {
			t.Fatal(name, err)
		}
		for _, c := range list.Cases {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				c.check(t)
			})
		}
	}
}

func corpusPath(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "testdata"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skipf("no test data: %v", err)
	}
	return path
}

func unxz(t testing.TB, path string) []byte {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (c image) check(t *testing.T) {
	name := c.File
	if name == "" {
		name = c.ID + ".img.xz"
	}
	data := unxz(t, corpusPath(t, "luks", name))
	header := data
	if _, err := os.Stat(filepath.Join("..", "..", "..", "shared", "testdata", "luks", c.ID+".hdr.xz")); err == nil {
		header = unxz(t, corpusPath(t, "luks", c.ID+".hdr.xz"))
	}
	h, err := luks.Read(bytes.NewReader(header))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Problems) > 0 {
		t.Errorf("problems: %q", h.Problems)
	}
	for _, s := range c.Unlock {
		key := c.open(t, h, s)
		defer key.Wipe()
		want := c
		if r := s.Result; r != nil {
			want.VolumeKey, want.DataOffset, want.DataSize, want.SHA256 = r.VolumeKey, r.DataOffset, r.DataSize, r.SHA256
		}
		want.compare(t, h, key, data, len(header) != len(data))
		given, err := h.VolumeKey(t.Context(), key.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		given.Wipe()
		wrong := bytes.Clone(key.Bytes())
		wrong[0] ^= 1
		if _, err := h.VolumeKey(t.Context(), wrong); !errors.Is(err, luks.ErrWrongKey) {
			t.Errorf("a wrong volume key: %v", err)
		}
	}
	for i, s := range c.Refuse {
		if _, err := h.Unlock(t.Context(), s.bytes(t), s.options()); !errors.Is(err, luks.ErrWrongKey) {
			t.Errorf("wrong key %d: %v", i, err)
		}
	}
}

// costly are images whose slots cost what cryptsetup chooses on a fast machine: seconds
// each. Unless DMIMG_TEST_COSTLY is set they are opened with the volume key.
var costly = map[string]bool{
	"fve-luks1-aes-ecb": true, "fve-luks2-aes-ecb-pbkdf2": true,
	"fve-luks2-aes-cbc-plain": true, "fve-luks2-aes-xts-plain64": true,
}

func (c image) open(t *testing.T, h *luks.Header, s secret) *luks.Key {
	t.Helper()
	var key *luks.Key
	var err error
	if costly[c.ID] && os.Getenv("DMIMG_TEST_COSTLY") == "" {
		var raw []byte
		if raw, err = hex.DecodeString(s.Result.VolumeKey); err == nil {
			key, err = h.VolumeKey(t.Context(), raw)
		}
	} else {
		key, err = h.Unlock(t.Context(), s.bytes(t), s.options())
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (s secret) options() luks.UnlockOptions {
	if s.Slot == nil {
		return luks.UnlockOptions{}
	}
	return luks.UnlockOptions{Slots: []int{*s.Slot}}
}

func (s secret) bytes(t *testing.T) []byte {
	t.Helper()
	if s.KeyFile == "" {
		b, err := hex.DecodeString(*s.Hex)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b, err := os.ReadFile(corpusPath(t, "luks", s.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	b = b[s.FileOffset:]
	if s.FileSize > 0 {
		b = b[:s.FileSize]
	}
	return b
}

// compare reads the data through a volume.
func (c image) compare(t *testing.T, h *luks.Header, key *luks.Key, data []byte, detached bool) {
	t.Helper()
	if got := hex.EncodeToString(key.Bytes()); c.VolumeKey != "" && got != c.VolumeKey {
		t.Errorf("slot %d gives another volume key", key.Slot)
	}
	devices, err := h.Devices(key, luks.DeviceOptions{Device: "image", DeviceSize: int64(len(data))})
	if err != nil {
		t.Fatal(err)
	}
	defer luks.WipeTables(devices)
	v, err := volume.Open(volume.Options{Open: func(string, int, fs.FileMode) (volume.Backend, error) {
		return volumetest.NewMemory(data), nil
	}}, devices[0].Tables...)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	size, _ := v.Size()
	if want := int64(len(data)) - c.DataOffset; size != want || detached && c.DataOffset != 0 {
		t.Errorf("%d bytes, want %d", size, want)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(v, 0, c.DataSize)); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != c.SHA256 {
		t.Errorf("the plaintext has SHA-256 %s, want %s", got, c.SHA256)
	}
}

// TestKernelVolumes opens what a kernel wrote, authenticated sectors included.
func TestKernelVolumes(t *testing.T) {
	t.Parallel()
	done := 0
	for _, c := range volumetest.Cases(t, "kernel-samples") {
		if !strings.HasPrefix(c.Name, "luks-") || len(c.Expects) == 0 {
			continue
		}
		done++
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			path := filepath.Join(dir, "A.img")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			h, err := luks.Read(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			key, err := h.Unlock(t.Context(), []byte("pass"), luks.UnlockOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer key.Wipe()
			got := readAll(t, h, key, path, data)
			want, err := os.ReadFile(filepath.Join(dir, c.Expects[0].Content))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%d bytes read as others than the kernel's %d", len(got), len(want))
			}
		})
	}
	if done < 3 {
		t.Errorf("%d cases, want 3 or more", done)
	}
}

// readAll reads the whole volume of an image file.
func readAll(t *testing.T, h *luks.Header, key *luks.Key, path string, data []byte) []byte {
	t.Helper()
	devices, err := h.Devices(key, luks.DeviceOptions{
		Name: "m", Device: path, DeviceSize: int64(len(data)),
		Integrity: func(off int64) (luks.IntegrityArea, error) { return integrityArea(bytes.NewReader(data), off) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := stack.Open(stack.Options{}, devices, "m")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	size, err := s.Size()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.NewSectionReader(volume.Bytes(s), 0, size))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func integrityArea(r *bytes.Reader, off int64) (luks.IntegrityArea, error) {
	sb, err := integrity.ReadSuperblock(r, off)
	if err != nil {
		return luks.IntegrityArea{}, err
	}
	l, err := integrity.NewLayout(sb.Geometry(off), r.Size(), 0)
	return luks.IntegrityArea{TagSize: uint64(sb.TagSize), DataSize: uint64(l.Size())}, err
}

// TestUnlockEnds cancels slots that would take hours.
func TestUnlockEnds(t *testing.T) {
	t.Parallel()
	data := unxz(t, corpusPath(t, "luks", "l1-all-slots.img.xz"))
	for slot := range 8 {
		copy(data[208+48*slot+4:], []byte{0xff, 0xff, 0xff, 0xff}) // iterations
	}
	h, err := luks.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Unlock(t.Context(), []byte("x"), luks.UnlockOptions{}); !errors.Is(err, luks.ErrCostly) {
		t.Errorf("2^32-1 iterations: %v, want %v", err, luks.ErrCostly)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := h.Unlock(ctx, []byte("x"), luks.UnlockOptions{AllowCostly: true})
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
