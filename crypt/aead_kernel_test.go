package crypt

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// aeadCase is a case of the corpora with a crypt device on an integrity device.
type aeadCase struct {
	Name    string
	Tables  map[string][]string
	Map     map[string]string
	Expects []struct {
		Device, Content string
		EIO             [][2]int64 // first sector, count
	}
}

// aeadNeedsJournal names the case whose journal has to be replayed first: the
// tests of package volume read it.
const aeadNeedsJournal = "crash-aead-hmac-xts-random"

// aeadFirstRows is what the corpus left out of the volume key of luks-2-int-hmac,
// as cryptsetup luksDump --dump-volume-key prints it for the passphrase in its
// description.
const aeadFirstRows = "247b967bab80c63359ad60888add66e75e504335ed7808dfcf8ddba0d01ff1316d3e48c340bd920f83a42018602858d6"

// TestKernelAEADVolumes reads every volume with tags that a kernel wrote: the
// bytes that it read, and no byte of what it could not. Then it writes all of it
// and reads it back.
func TestKernelAEADVolumes(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, dir := range []string{"kernel-samples", "kernel-hard"} {
		for _, c := range readAEADCases(t, dir) {
			seen++
			if c.Name == aeadNeedsJournal {
				continue
			}
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				checkAEADVolume(t, dir, c)
			})
		}
	}
	if seen < 17 {
		t.Errorf("%d cases with tags, want at least 17", seen)
	}
}

func readAEADCases(t *testing.T, dir string) (list []aeadCase) {
	t.Helper()
	data, err := os.ReadFile(sharedPath(t, dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []aeadCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if len(c.Tables["m"]) == 1 && strings.Contains(c.Tables["m"][0], " integrity:") {
			list = append(list, c)
		}
	}
	return list
}

func checkAEADVolume(t *testing.T, dir string, c aeadCase) {
	files := unpackKernelCase(t, dir, c.Name)
	config, length := parseAEADLine(t, c, files)
	storage := openAEADCase(t, c, files)
	image := bytes.Clone(storage.image)
	d, err := NewAEADDevice(storage, config)
	if err != nil {
		t.Fatalf("NewAEADDevice(%q): %v", config.Spec, err)
	}
	plain := files[c.Expects[0].Content]
	bad := map[int64]bool{}
	for _, e := range c.Expects[0].EIO {
		for i := range e[1] {
			bad[(e[0]+i)*512] = true
		}
	}
	p := make([]byte, length)
	for at := int64(0); at < length; { // over all good runs
		n, err := d.ReadAt(p[at:], at)
		if !bytes.Equal(p[at:at+int64(n)], plain[at:at+int64(n)]) {
			t.Fatalf("%d bytes at %d are not what the kernel read", n, at)
		}
		if at += int64(n); at == length {
			break
		}
		var integrity *IntegrityError
		if !errors.As(err, &integrity) || integrity.Offset != at || !bad[at] {
			t.Fatalf("at %d: %v, the kernel could not read there: %v", at, err, bad[at])
		}
		if !bytes.Equal(p[at:at+512], make([]byte, 512)) {
			t.Errorf("at %d: bytes are left behind a wrong tag", at)
		}
		delete(bad, at)
		at += integrity.Length
	}
	if len(bad) > 0 {
		t.Errorf("%d sectors are read that the kernel could not read", len(bad))
	}
	rewriteAEADVolume(t, d, c, storage, plain[:length], image)
}

// rewriteAEADVolume writes what was read. Without random IVs the image must be
// the kernel's again, but for sectors that were not right before.
func rewriteAEADVolume(t *testing.T, d *Device, c aeadCase, storage *integrityImage, plain, image []byte) {
	t.Helper()
	if n, err := d.WriteAt(plain, 0); n != len(plain) || err != nil {
		t.Fatalf("WriteAt of %d bytes = %d, %v", len(plain), n, err)
	}
	p := make([]byte, len(plain))
	if n, err := d.ReadAt(p, 0); n != len(p) || err != nil || !bytes.Equal(p, plain) {
		t.Errorf("what was written reads differently: %d, %v", n, err)
	}
	if strings.Contains(c.Tables["m"][0], "-random") {
		if bytes.Equal(storage.image, image) {
			t.Error("the image is the same although its IVs are random")
		}
		return
	}
	if len(c.Expects[0].EIO) == 0 && !bytes.Equal(storage.image, image) {
		t.Errorf("byte %d differs from what the kernel wrote", firstDifference(storage.image, image))
	}
}

// parseAEADLine reads the crypt line of a case.
func parseAEADLine(t *testing.T, c aeadCase, files map[string][]byte) (config Config, length int64) {
	t.Helper()
	w := strings.Fields(c.Tables["m"][0])
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	config = Config{Spec: w[3], IVOffset: uint64(number(w[5]))}
	if strings.HasPrefix(w[4], ":") {
		config.Key = decodeHex(t, aeadFirstRows+strings.Join(strings.Fields(string(files["mk"])), ""))
	} else {
		config.Key = decodeHex(t, w[4])
	}
	for _, option := range w[9:] {
		switch name, value, _ := strings.Cut(option, ":"); name {
		case "integrity":
			config.Integrity = value
		case "integrity_key_size":
			config.IntegrityKeySize = number(value)
		case "sector_size":
			config.SectorSize = number(value)
		default:
			t.Fatalf("option %q", option)
		}
	}
	return config, int64(number(w[1])) * 512
}

// openAEADCase opens the integrity image under the crypt device.
func openAEADCase(t *testing.T, c aeadCase, files map[string][]byte) *integrityImage {
	t.Helper()
	device := strings.TrimPrefix(c.Map[strings.Fields(c.Tables["m"][0])[6]], "@")
	w := strings.Fields(c.Tables[device][0])
	reserved, err := strconv.Atoi(w[4])
	if err != nil {
		t.Fatal(err)
	}
	return openIntegrityImage(t, files[c.Map[w[3]]], int64(reserved)*512)
}
