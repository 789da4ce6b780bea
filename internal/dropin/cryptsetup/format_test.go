package cryptsetup_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// newDisk makes a folder with the key files and an empty device of size bytes.
func newDisk(t *testing.T, size int64) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range keys() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeHoles(filepath.Join(dir, "d"), size); err != nil {
		t.Fatal(err)
	}
	return dir
}

// must runs a command line that has to succeed, with "@" for the folder.
func must(t *testing.T, run program, dir, line string) answer {
	t.Helper()
	a := run(t, strings.Fields(strings.ReplaceAll(line, "@", dir+"/")), "")
	if a.Code != 0 {
		t.Fatalf("cryptsetup %s: %+v", line, a)
	}
	return a
}

// TestFormatIntegrity makes devices whose sectors carry tags, which cryptsetup cannot without
// a kernel, and reads the zeros that are in them.
func TestFormatIntegrity(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]string{
		"hmac":     "--integrity hmac-sha256 --sector-size 4096",
		"aead":     "-c aes-gcm-random -s 256 --integrity aead --sector-size 512 --integrity-legacy-padding",
		"detached": "--integrity hmac-sha256 --sector-size 4096 --header @h",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDisk(t, 8<<20)
			must(t, ours, dir, "luksFormat -q @d @k --offset 8192 "+options+fast)
			header := ""
			if name == "detached" {
				header = " --header @h"
			}
			if dump := must(t, ours, dir, "luksDump @d"+header); !strings.Contains(dump.Stdout, "\tintegrity: ") {
				t.Errorf("dump: %s", dump.Stdout)
			}
			var stderr bytes.Buffer
			args := strings.Fields(strings.ReplaceAll("dmimg luks decrypt @d @plain --key-file @k --progress never"+header, "@", dir+"/"))
			if code := cli.Main(t.Context(), args, nil, &stderr, &stderr); code != 0 {
				t.Fatalf("decrypt: status %d, %s", code, &stderr)
			}
			plain, err := os.ReadFile(filepath.Join(dir, "plain"))
			if err != nil || len(plain) < 1<<20 || len(bytes.Trim(plain, "\x00")) > 0 {
				t.Errorf("%d bytes, %v, not all of them zeros", len(plain), err)
			}
		})
	}
}

// TestEachOpensWhatTheOtherMade compares the volume key that both find in a device of the
// other, after both have changed it.
func TestEachOpensWhatTheOtherMade(t *testing.T) {
	t.Parallel()
	path := findPeer(t)
	if path == "" {
		t.Skip("cryptsetup 2.6.1 is not installed")
	}
	peer := peerProgram(path)
	for _, kind := range []string{"luks1", "luks2"} {
		for name, who := range map[string][2]program{"ours first": {ours, peer}, "theirs first": {peer, ours}} {
			t.Run(kind+" "+name, func(t *testing.T) {
				t.Parallel()
				dir := newDisk(t, 8<<20)
				must(t, who[0], dir, "luksFormat -q @d @k --offset 8192 --type "+kind+fast)
				must(t, who[1], dir, "luksAddKey -q @d @k1 -d @k"+fast)
				must(t, who[0], dir, "luksChangeKey -q @d @k2 -d @k1"+fast)
				must(t, who[1], dir, "luksRemoveKey -q @d @k")
				first := must(t, who[0], dir, "luksDump -q @d --dump-volume-key -d @k2").Stdout
				second := must(t, who[1], dir, "luksDump -q @d --dump-volume-key -d @k2").Stdout
				if first != second {
					t.Errorf("%s\nis not\n%s", first, second)
				}
			})
		}
	}
}

// TestFormatLeavesNothing makes sure that a header file that cannot become one goes again.
func TestFormatLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := newDisk(t, 1<<20)
	for _, options := range []string{"-c foo", "-d @none", "--volume-key-file @k", "--offset 99999999999999999"} {
		line := "luksFormat -q @d --header @h " + options + fast
		if !strings.Contains(options, "-d ") {
			line += " -d @k"
		}
		if a := ours(t, strings.Fields(strings.ReplaceAll(line, "@", dir+"/")), ""); a.Code != 1 || a.Stderr == "" {
			t.Errorf("cryptsetup %s: %+v", line, a)
		}
		if _, err := os.Stat(filepath.Join(dir, "h")); !os.IsNotExist(err) {
			t.Errorf("cryptsetup %s: the header file is there: %v", line, err)
		}
	}
}
