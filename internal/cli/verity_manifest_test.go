package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestManifestMakesEverythingAgain formats with random parameters in every layout,
// and again from nothing but the manifest and the data, in another folder: all files
// must be the same, the manifest that is written then too. Then one bit of the data or
// of a digest is changed: nothing may be made.
func TestManifestMakesEverythingAgain(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 7))
	runs := 40
	if testing.Short() {
		runs = 10
	}
	for i := range runs {
		m := newManifestRun(rnd, i)
		t.Run(fmt.Sprintf("%d/%s", i, m.layout), func(t *testing.T) {
			t.Parallel()
			m.run(t)
		})
	}
}

// manifestRun is an image, as arguments in which DATA, HASH and FEC are files.
type manifestRun struct {
	layout string
	args   []string
	data   []byte
	flip   int // byte of the data to damage, in the first block
}

var manifestLayouts = []string{"separate", "appended", "fec", "fec-in-hash", "fec-in-data", "one-file", "no-superblock", "pad", "truncate", "gap"}

func newManifestRun(rnd *rand.Rand, i int) manifestRun {
	m := manifestRun{layout: manifestLayouts[i%len(manifestLayouts)]}
	size := 512 << rnd.IntN(4)
	blocks := 1 + rnd.IntN(200)
	m.data = make([]byte, blocks*size)
	for i := range m.data {
		m.data[i] = byte(rnd.Uint32())
	}
	m.flip = rnd.IntN(size)
	end := (len(m.data) + 4095) &^ 4095
	m.args = []string{
		"HASH", "--hash=" + []string{"sha256", "sha1", "sha512", "RMD160"}[rnd.IntN(4)], fmt.Sprintf("--format=%d", rnd.IntN(2)),
		fmt.Sprintf("--data-block-size=%d", size), fmt.Sprintf("--hash-block-size=%d", size), "--root-hash-file=ROOT", "--emit=dmtable",
	}
	add := func(format string, args ...any) { m.args = append(m.args, fmt.Sprintf(format, args...)) }
	roots := 2 + rnd.IntN(23)
	switch m.layout {
	case "appended":
		m.args[0] = "DATA"
		add("--hash-offset=%d", end)
	case "fec":
		add("--fec-device=FEC")
		add("--fec-roots=%d", roots)
	case "fec-in-hash":
		add("--fec-device=HASH")
		add("--fec-offset=%d", end)
	case "fec-in-data":
		add("--fec-device=DATA")
		add("--fec-offset=%d", end)
	case "one-file":
		m.args[0] = "DATA"
		add("--hash-offset=%d", end)
		add("--fec-device=DATA")
		add("--fec-offset=%d", 3*end+(1<<20))
		add("--fec-roots=%d", roots)
	case "no-superblock":
		add("--no-superblock")
		add("--salt=-")
	case "pad", "truncate":
		m.data = append(m.data, m.data[:1+rnd.IntN(size-1)]...)
		m.args = append(m.args, "--"+m.layout)
	case "gap":
		add("--hash-offset=%d", 4096*(1+rnd.IntN(20)))
	}
	return m
}

func (m manifestRun) run(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	args := []string{"verity", "format", writeFile(t, filepath.Join(first, "DATA"), m.data), "--manifest=" + filepath.Join(first, "M")}
	for _, arg := range m.args {
		flag, value, ok := strings.Cut(arg, "=")
		if name := strings.TrimSuffix(value, "-"); ok && strings.Contains("DATA HASH FEC ROOT", name) && name != "" {
			arg = flag + "=" + filepath.Join(first, value)
		}
		if !ok && !strings.HasPrefix(arg, "--") {
			arg = filepath.Join(first, arg)
		}
		args = append(args, arg)
	}
	mustRun(t, args...)
	text := readFile(t, filepath.Join(first, "M"))
	if strings.Contains(string(text), first) {
		t.Errorf("%q: the manifest has a folder of this machine:\n%s", m.args, text)
	}

	manifest := writeFile(t, filepath.Join(second, "from"), text)
	again := []string{"verity", "format", writeFile(t, filepath.Join(second, "DATA"), m.data), "--from-manifest", manifest}
	m.refuses(t, again, second)
	mustRun(t, append(again, "--manifest", filepath.Join(second, "M"))...)
	for _, name := range []string{"DATA", "HASH", "FEC", "ROOT", "M"} {
		was, err := os.ReadFile(filepath.Join(first, name))
		now, errNow := os.ReadFile(filepath.Join(second, name))
		if !bytes.Equal(was, now) || (err == nil) != (errNow == nil) {
			t.Errorf("%q: %s has %d bytes, made again %d, or differs; %v, %v", m.args, name, len(was), len(now), err, errNow)
		}
	}
	mustRun(t, "verity", "check-manifest", manifest, filepath.Join(second, "DATA"))
}

// refuses changes the data, or a digest of the manifest, and puts it back.
func (m manifestRun) refuses(t *testing.T, again []string, dir string) {
	t.Helper()
	data, manifest := again[2], again[4]
	before := filesIn(t, dir)
	refused := func(what string) {
		t.Helper()
		if r := dmimg(t, again...); r.code != 3 || filesIn(t, dir) != before {
			t.Errorf("%q: %s: exit status %d, want 3; files %q, were %q\n%s", m.args, what, r.code, filesIn(t, dir), before, r.stderr)
		}
	}
	bad := bytes.Clone(m.data)
	bad[m.flip] ^= 0x10
	writeFile(t, data, bad)
	refused("damaged data")
	if !bytes.Equal(readFile(t, data), bad) {
		t.Errorf("%q: the data was changed", m.args)
	}
	writeFile(t, data, m.data)

	text := readFile(t, manifest)
	key := []byte(`"sha256": "`)
	for at := 0; ; {
		i := bytes.Index(text[at:], key)
		if i < 0 {
			break
		}
		at += i + len(key)
		other := bytes.Clone(text)
		other[at] ^= 1 // another hex digit: 0 and 1, a and `, no: only digits are changed
		if other[at] < '0' || other[at] > '9' {
			other[at] = '0'
		}
		if other[at] == text[at] {
			other[at]++
		}
		writeFile(t, manifest, other)
		refused("another digest in the manifest")
	}
	writeFile(t, manifest, text)
}
