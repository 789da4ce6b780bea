package cli_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// later says why a case is not for this version; "" when it is.
func later(c volumetest.Case) string {
	engines := volume.Builtin()
	for _, target := range c.Targets() {
		if _, ok := engines[target]; !ok {
			return "target " + target
		}
	}
	return ""
}

// TestVolumeReadKernelCases reads every volume that a real kernel made of targets that this version has,
// through the command line, and demands the bytes the kernel returned and the ranges it could not read.
func TestVolumeReadKernelCases(t *testing.T) {
	t.Parallel()
	for _, corpus := range []string{"kernel-samples", "kernel-hard"} {
		ran := 0
		for _, c := range volumetest.Cases(t, corpus) {
			if later(c) != "" || len(c.Expects) == 0 {
				continue
			}
			ran++
			t.Run(corpus+"/"+c.Name, func(t *testing.T) {
				t.Parallel()
				readKernelCase(t, c)
			})
		}
		if ran < 5 {
			t.Errorf("%s: only %d cases are for this version", corpus, ran)
		}
	}
}

func readKernelCase(t *testing.T, c volumetest.Case) {
	dir := c.Unpack(t)
	var table bytes.Buffer
	if err := tables.FormatDevices(&table, c.Devices(t)...); err != nil {
		t.Fatal(err)
	}
	path := writeFile(t, filepath.Join(t.TempDir(), "table"), table.Bytes())
	args := append([]string{"volume", "read", "--table", path}, keyFlags(t, c, dir)...)
	for word, to := range c.Paths(dir) {
		args = append(args, "--map", word+"="+to)
	}
	for _, expect := range c.Expects {
		want := readFile(t, filepath.Join(dir, expect.Content))
		lost := expect.Unreadable()
		if c.Name == "verity-corrupt-eio" { // its content ends where the kernel met the first damage
			wantCorruptEIO(t, append(args, "--name", expect.Device), want)
			continue
		}
		out := filepath.Join(t.TempDir(), "out")
		r := dmimg(t, append(args, "--name", expect.Device, "--keep-going", out)...)
		if code := exitOf(lost); r.code != code {
			t.Fatalf("exit status %d, want %d: %s", r.code, code, r.stderr)
		}
		if got := readFile(t, out); !bytes.Equal(got, want) {
			t.Errorf("%s differs from the kernel's bytes at %d (%d bytes, want %d)", expect.Device, firstDifference(got, want), len(got), len(want))
		}
		if got := unreadableLines(r.stderr); !slices.Equal(got, linesOf(lost)) {
			t.Errorf("unreadable ranges %q, want %q", got, linesOf(lost))
		}
		piped := dmimg(t, append(args, "--name", expect.Device)...)
		if end := firstLost(lost, len(want)); piped.code != exitOf(lost) || piped.stdout != string(want[:end]) {
			t.Errorf("on stdout: exit status %d, %d bytes, want %d and the first %d", piped.code, len(piped.stdout), exitOf(lost), end)
		}
	}
}

// keyFlags are --key flags for the keyring references of a LUKS case, whose key cryptsetup takes from the header.
func keyFlags(t *testing.T, c volumetest.Case, dir string) (flags []string) {
	t.Helper()
	for _, lines := range c.Tables {
		words := strings.Fields(lines[0])
		if words[2] != "crypt" || !strings.HasPrefix(words[4], ":") {
			continue
		}
		passphrase := writeFile(t, filepath.Join(t.TempDir(), "passphrase"), []byte("pass"))
		key := filepath.Join(t.TempDir(), "key")
		cmd := exec.Command(need(t, "cryptsetup"), "luksDump", "-q", "--dump-volume-key", "--key-file", passphrase,
			"--volume-key-file", key, filepath.Join(dir, "A.img"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("cryptsetup luksDump: %v\n%s", err, out)
		}
		flags = append(flags, "--key", strings.SplitN(words[4], ":", 4)[3]+"="+key)
	}
	return flags
}

// wantCorruptEIO demands the bytes before the first damaged block and exit status 3, and no file.
func wantCorruptEIO(t *testing.T, args []string, want []byte) {
	t.Helper()
	const good = 20480
	if len(want) < good {
		t.Fatalf("the content has %d bytes, want at least %d", len(want), good)
	}
	r := dmimg(t, args...)
	if r.code != 3 || r.stdout != string(want[:good]) {
		t.Errorf("exit status %d with %d bytes, want 3 with the first %d: %s", r.code, len(r.stdout), good, r.stderr)
	}
	if !strings.Contains(r.stderr, fmt.Sprint(good)) {
		t.Errorf("stderr %q does not name offset %d", r.stderr, good)
	}
	part := filepath.Join(t.TempDir(), "part")
	if r := dmimg(t, append(args, "--length", fmt.Sprint(good), part)...); r.code != 0 || !bytes.Equal(readFile(t, part), want[:good]) {
		t.Errorf("the first %d bytes: exit status %d: %s", good, r.code, r.stderr)
	}
	dir := t.TempDir()
	if r := dmimg(t, append(args, filepath.Join(dir, "out"))...); r.code != 3 || filesIn(t, dir) != "" {
		t.Errorf("to a file: exit status %d, files %q, want 3 and none", r.code, filesIn(t, dir))
	}
}

func exitOf(lost []volume.Extent) int {
	if len(lost) > 0 {
		return 3
	}
	return 0
}

func firstLost(lost []volume.Extent, size int) int {
	if len(lost) > 0 {
		return int(lost[0].Offset)
	}
	return size
}

func linesOf(lost []volume.Extent) (lines []string) {
	for _, e := range lost {
		lines = append(lines, fmt.Sprintf("unreadable %d %d", e.Offset, e.Length))
	}
	return lines
}

func unreadableLines(stderr string) (lines []string) {
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "unreadable ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// TestVolumeRefusedKernelCases demands that what the kernel refused to load is refused, too.
func TestVolumeRefusedKernelCases(t *testing.T) {
	t.Parallel()
	for _, c := range volumetest.Cases(t, "kernel-hard") {
		if c.Verdict.Load != "refused" || later(c) != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			var table bytes.Buffer
			if err := tables.FormatDevices(&table, c.Devices(t)...); err != nil {
				return // refused before any file is needed
			}
			args := []string{"volume", "read", "--name", c.Verdict.Device, "--table", "-"}
			for word, to := range c.Paths(dir) {
				args = append(args, "--map", word+"="+to)
			}
			if r := dmimgWith(t, &table, args...); r.code != 1 || r.stdout != "" {
				t.Errorf("exit status %d with %d bytes, want 1 with none: %s", r.code, len(r.stdout), r.stderr)
			}
		})
	}
}

// isWritable reports whether a volume can be written all over: not verity, nor integrity in recovery mode.
func isWritable(t *testing.T, c volumetest.Case) bool {
	if slices.Contains(c.Targets(), "verity") || len(c.Expects) != 1 || len(c.Expects[0].EIO) > 0 {
		return false
	}
	for _, d := range c.Devices(t) {
		for _, table := range d.Tables {
			if i, ok := tables.Unwrap(table).(tables.IntegrityTable); ok && i.Mode == "R" {
				return false
			}
		}
	}
	return true
}

// TestVolumeWriteKernelCases writes a volume's content back and demands that the files under it stay as the
// kernel wrote them: an engine that writes other bytes than it reads would change them. Integrity has a journal,
// which tells of every write, and encryption over it new IVs: there only the volume is compared.
func TestVolumeWriteKernelCases(t *testing.T) {
	t.Parallel()
	ran := 0
	for _, c := range volumetest.Cases(t, "kernel-samples") {
		if later(c) != "" || !isWritable(t, c) {
			continue
		}
		ran++
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			dir := c.Unpack(t)
			var table bytes.Buffer
			if err := tables.FormatDevices(&table, c.Devices(t)...); err != nil {
				t.Fatal(err)
			}
			path := writeFile(t, filepath.Join(t.TempDir(), "table"), table.Bytes())
			args := append([]string{"--table", path, "--name", c.Expects[0].Device}, keyFlags(t, c, dir)...)
			before := map[string]string{}
			for word, to := range c.Paths(dir) {
				args = append(args, "--map", word+"="+to)
				if !strings.HasPrefix(to, "@") && !slices.Contains(c.Targets(), "integrity") {
					before[to] = digestOf(readFile(t, to))
				}
			}
			content := filepath.Join(dir, c.Expects[0].Content)
			mustRun(t, append(append([]string{"volume", "write"}, args...), content)...)
			for file, sum := range before {
				if digestOf(readFile(t, file)) != sum {
					t.Errorf("%s changed", filepath.Base(file))
				}
			}
			// Other bytes, at an odd place, must come back, and nothing else change.
			patch := bytes.Repeat([]byte("patch "), 1000)
			in := writeFile(t, filepath.Join(t.TempDir(), "in"), patch)
			mustRun(t, append(append([]string{"volume", "write", "--offset", "12345"}, args...), in)...)
			want := readFile(t, content)
			if c.Targets()[0] != "zero" {
				copy(want[12345:], patch)
			}
			got := mustRun(t, append([]string{"volume", "read"}, args...)...)
			if got != string(want) {
				t.Errorf("after the write the volume differs at %d", firstDifference([]byte(got), want))
			}
		})
	}
	if ran < 5 {
		t.Errorf("only %d cases are for this version", ran)
	}
}
