package dropin_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
)

// TestVeritysetupHabits is about what the table of rows cannot say: the newer form,
// warnings, and the statuses of --strict-exit.
func TestVeritysetupHabits(t *testing.T) {
	t.Parallel()
	f := newFixtures(t)
	for _, c := range []struct {
		line           string
		code           int
		stdout, stderr string // parts
	}{
		{"dump @/h", 0, "information for @/h.\n", ""},
		{"dump @/h", 0, "Data block size: \t4096 [bytes]\n", ""},
		{"dump @/h --compat=2.6", 0, "Data block size: \t4096\n", ""},
		{"dump @/h --compat=2.7", 1, "", "want 2.6 or 2.8"},
		{"dump @/bigh --json --fec-device=@/bigf", 0, `"fec_roots": 2`, ""},
		{"--version", 0, "veritysetup 2.8.0 (dmimg ", ""},
		{"--compat 2.6 -V", 0, "veritysetup 2.6.1 (dmimg ", ""},
		{"--help", 0, "format <data_device> <hash_device>", ""},
		{"format @/ragged @/new" + fixed, 0, "Data blocks:     \t1\n", "warning: the last 904 bytes of @/ragged are no whole block"},
		{"format @/ragged @/new --data-blocks=1" + fixed, 0, "Data blocks:     \t1\n", ""},
		{"verify @/bigbad @/bigh @BIG --fec-device=@/bigf", 0, "", "Found 2 repairable errors with FEC device.\nveritysetup: warning: the image is damaged"},
		{"verify @/bigbad @/bigh @BIG --fec-device=@/bigf --strict-exit", 3, "", "Found 2 repairable"},
		{"verify @/dbad @/h @ROOT --strict-exit", 3, "", "position 20480"},
		{"verify @/d @/h @BIG --strict-exit", 3, "", "root hash failed"},
		{"verify @/none @/h @BIG --strict-exit", 1, "", "does not exist"},
		{"verify @/d --strict-exit", 2, "", "requires <data_device>"},
		{"verify @/onebad @/oneh @ONE --fec-device=@/bigf", 2, "", "root hash failed"},
		{"verify @/d @/d @ROOT", 1, "", "Device @/d is not a valid VERITY device"},
		{"open @/d name @/h @ROOT --error-as-corruption", 1, "", "--error-as-corruption needs"},
	} {
		dir, args, _ := f.prepare(t, strings.Fields(c.line))
		r := veritysetup(t, args...)
		stdout, stderr := strings.ReplaceAll(r.stdout, dir, "@"), strings.ReplaceAll(r.stderr, dir, "@")
		if r.code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) {
			t.Errorf("veritysetup %s: status %d, want %d; stdout\n%swant %q in it; stderr\n%swant %q in it", c.line, r.code, c.code, stdout, c.stdout, stderr, c.stderr)
		}
		if c.stderr == "" && stderr != "" {
			t.Errorf("veritysetup %s: stderr %q", c.line, stderr)
		}
	}
}

// TestVeritysetupDoesNotBelieveParity damages data and hands verify the parity of the
// damaged image: it "repairs" the tree instead of the data. The reference exits 0.
func TestVeritysetupDoesNotBelieveParity(t *testing.T) {
	t.Parallel()
	f := newFixtures(t)
	f.format(t, "@OTHER", "bigbad", "otherh", salt, uuid, "--fec-device="+f.path("otherf"))
	r := veritysetup(t, "verify", f.path("bigbad"), f.path("bigh"), f.roots["@BIG"], "--fec-device="+f.path("otherf"))
	if r.code != 2 || !strings.Contains(r.stderr, "the root hash does not prove") {
		t.Errorf("verify with the parity of another image: status %d, stderr %q, want 2", r.code, r.stderr)
	}
}

// TestVeritysetupWritesInPlace makes sure that bytes around the areas, the permissions
// and the inode of an existing file stay.
func TestVeritysetupWritesInPlace(t *testing.T) {
	t.Parallel()
	f := newFixtures(t)
	before, err := os.Stat(f.path("junk"))
	if err != nil {
		t.Fatal(err)
	}
	was := f.read(t, "junk")
	if r := veritysetup(t, "format", f.path("d"), f.path("junk"), "--hash-offset=4096"); r.code != 0 {
		t.Fatalf("format: status %d, %s", r.code, r.stderr)
	}
	after, err := os.Stat(f.path("junk"))
	if err != nil {
		t.Fatal(err)
	}
	now := f.read(t, "junk")
	if !os.SameFile(before, after) || len(now) != len(was) || !bytes.Equal(now[:4096], was[:4096]) || !bytes.Equal(now[12288:], was[12288:]) {
		t.Errorf("format into a file of %d bytes: same file %t, %d bytes, kept what stood around the hash area: no", len(was), os.SameFile(before, after), len(now))
	}
}

// TestVeritysetupIsFoundByName calls the program under the tool's name, and with that
// as the first word.
func TestVeritysetupIsFoundByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args string
		want string // on stdout
	}{
		{"/usr/sbin/veritysetup --version", "veritysetup 2.8.0"},
		{"veritysetup --version", "veritysetup 2.8.0"},
		{"veritysetup.exe --version", "veritysetup 2.8.0"},
		{"dmimg veritysetup --version", "veritysetup 2.8.0"},
		{"dmimg --version", "dmimg "},
		{"./veritysetup2 --version", "dmimg "},
	} {
		var stdout, stderr bytes.Buffer
		if code := cli.Main(t.Context(), strings.Fields(c.args), strings.NewReader(""), &stdout, &stderr); code != 0 || !strings.HasPrefix(stdout.String(), c.want) {
			t.Errorf("%s: status %d, stdout %q, want %q; stderr %q", c.args, code, stdout.String(), c.want, stderr.String())
		}
	}
	if code := cli.Main(t.Context(), nil, strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer)); code != 2 {
		t.Errorf("no words at all: status %d, want 2", code)
	}
}

// TestVeritysetupDashIsAFile uses files called "-", which the reference does not take
// for standard input.
func TestVeritysetupDashIsAFile(t *testing.T) {
	f := newFixtures(t)
	t.Chdir(t.TempDir())
	if err := os.WriteFile("-", f.read(t, "d"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := veritysetup(t, "format", "-", "h", salt, uuid); r.code != 0 || !strings.Contains(r.stdout, f.roots["@ROOT"]) {
		t.Errorf("format - h: status %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
	if err := os.Rename("h", "-"); err != nil {
		t.Fatal(err)
	}
	if r := veritysetup(t, "dump", "-"); r.code != 0 || !strings.HasPrefix(r.stdout, "VERITY header information for -.\n") {
		t.Errorf("dump -: status %d, stdout %q, stderr %q", r.code, r.stdout, r.stderr)
	}
}

// TestVeritysetupFollowsNoLooseLink has a link that leads nowhere as the hash device,
// which the reference does not write through.
func TestVeritysetupFollowsNoLooseLink(t *testing.T) {
	t.Parallel()
	f := newFixtures(t)
	if err := os.Symlink("nowhere", f.path("loose")); err != nil {
		t.Skipf("no links here: %v", err)
	}
	r := veritysetup(t, "format", f.path("d"), f.path("loose"), salt, uuid)
	if _, err := os.Stat(f.path("nowhere")); r.code != 4 || err == nil || !strings.Contains(r.stderr, "does not exist or access denied") {
		t.Errorf("format through a loose link: status %d, want 4; stderr %q; the file is there: %t", r.code, r.stderr, err == nil)
	}
}
