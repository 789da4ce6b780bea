package dropin_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/live/livetest"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// integritysetup runs ours in this process, as called by that name.
func integritysetup(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(t.Context(), append([]string{"/sbin/integritysetup"}, args...), strings.NewReader(""), &stdout, &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// integrityFixture is an integrity device in a file.
func integrityFixture(t *testing.T, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "device")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if r := integritysetup(t, append([]string{"format", "-q", path}, options...)...); r.code != 0 || r.stdout+r.stderr != "" {
		t.Fatalf("format: %+v", r)
	}
	return path
}

// TestIntegritysetupPeer compares status, output and the last line of complaints with
// those of the real integritysetup, for whatever needs no device-mapper.
func TestIntegritysetupPeer(t *testing.T) {
	t.Parallel()
	real, err := exec.LookPath("integritysetup")
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	device, key, junk := integrityFixture(t), filepath.Join(dir, "key"), filepath.Join(dir, "junk")
	hard := integrityFixture(t, "-I", "sha256", "-t", "32", "-s", "4096", "--integrity-legacy-padding", "--interleave-sectors", "100", "--integrity-legacy-hmac")
	if err := errors.Join(os.WriteFile(key, []byte("secret"), 0o600), os.WriteFile(junk, bytes.Repeat([]byte("junk"), 2000), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"dump DEVICE", "dump HARD", "-v dump DEVICE", "dump --verbose HARD", "dump JUNK", "dump NONE", "dump", "dump DIR", "dump -- DEVICE", "dump DEVICE -q", "dump DEVICE --interleave-sectors 8",
		"", "frobnicate", "frobnicate x", "format", "open", "open x", "open NONE x", "open JUNK x", "create x NONE", "create x JUNK", "close", "status", "--foo", "dump --foo", "-Z dump x",
		"format NONE", "format -q DIR", "format NONE --tag-size", "format NONE -j x", "format NONE --journal-size=12Q", "format NONE -j 1M", "open --buffer-sectors x NONE x", "format NONE --tag-size x", "format NONE --tag-size=4294967297", "format NONE -t -5",
		"format NONE --integrity-key-file KEY", "format NONE --integrity-key-size 4", "format NONE --journal-integrity-key-file KEY", "format NONE --journal-crypt-key-size 4",
		"format NONE --integrity-key-file KEY --integrity-key-size 5000", "format NONE --journal-integrity-key-file KEY --journal-integrity-key-size 5000", "format NONE --journal-crypt x --journal-crypt-key-file KEY --journal-crypt-key-size 5000",
		"open -R -B NONE x", "open -B -D NONE x", "open --bitmap-flush-time 3 NONE x", "open --bitmap-sectors-per-bit 3 NONE x", "open -B --bitmap-sectors-per-bit 3 NONE x", "close --deferred --cancel-deferred x",
		"open --no-wipe NONE x", "format --allow-discards NONE", "close --wipe x", "open -j 5 NONE x", "open -t 5 NONE x", "open -s 512 NONE x", "status --progress-json x", "format --integrity-recalculate NONE", "dump --deferred NONE",
		"format --integrity-recalculate-reset NONE", "format --integrity-legacy-recalculate NONE", "open --size 5 NONE x", "format --device-size 512 NONE",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			line := strings.NewReplacer("DEVICE", device, "HARD", hard, "KEY", key, "JUNK", junk, "DIR", dir, "NONE", filepath.Join(dir, "none")).Replace(line)
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(real, strings.Fields(line)...)
			cmd.Args[0] = "integritysetup" // as it calls itself
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run()
			want := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
			got := integritysetup(t, strings.Fields(line)...)
			if got.code != want.code || got.stdout != want.stdout || lastLine(got.stderr) != lastLine(want.stderr) {
				t.Errorf("integritysetup %s:\n%d\n%s%s\nwant\n%d\n%s%s", line, got.code, got.stdout, lastLine(got.stderr), want.code, want.stdout, lastLine(want.stderr))
			}
		})
	}
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// TestIntegritysetupFormat: what the real one, with a kernel, answers to formats; it
// writes what dmimg integrity check accepts.
func TestIntegritysetupFormat(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, bytes.Repeat([]byte("k"), 32), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		options string
		code    int
		stdout  string // "": as for -q
		stderr  string // its last line
		check   string // flags of integrity check; "-": it is not checked
	}{
		{"", 0, "Formatted with tag size 4, internal integrity crc32c.\nWiping device to initialize integrity checksum.\n", "", ""},
		{"--no-wipe", 0, "Formatted with tag size 4, internal integrity crc32c.\n", "", "-"},
		{"-q", 0, "", "", ""},
		{"-q -t 9 -I sha256", 0, "WARNING: Requested tag size 9 bytes differs from sha256 size output (32 bytes).\n", "", "-I sha256"},
		{"-q -I hmac-sha256 --integrity-key-file KEY --integrity-key-size 32", 0, "", "", "-I hmac-sha256 --integrity-key-file KEY"},
		{
			"-q --journal-integrity hmac-sha256 --journal-integrity-key-file KEY --journal-integrity-key-size 32 --journal-crypt ctr-aes --journal-crypt-key-file KEY --journal-crypt-key-size 16", 0, "", "",
			"--journal-integrity hmac-sha256 --journal-integrity-key-file KEY --journal-crypt ctr-aes --journal-crypt-key-file KEY --journal-crypt-key-size 16",
		},
		{"-q -I foo", 4, "", "Cannot format integrity for device DEVICE.", "-"},
		{"-q -s 700", 4, "", "Cannot format integrity for device DEVICE.", "-"},
		{"-q -t 300", 4, "WARNING: Requested tag size 300 bytes differs from crc32c size output (4 bytes).\n", "Cannot format integrity for device DEVICE.", "-"},
		{"-q -I hmac-sha256", 4, "", "Cannot format integrity for device DEVICE.", "-"},
		{"-q -I hmac-sha256 --integrity-key-file KEY --integrity-key-size 33", 1, "", "Cannot read 33 bytes from keyfile KEY.", "-"},
		{"-q -I hmac-sha256 --integrity-key-file nothing --integrity-key-size 33", 1, "", "Failed to open key file.", "-"},
	} {
		t.Run(tt.options, func(t *testing.T) {
			t.Parallel()
			device := filepath.Join(t.TempDir(), "device")
			if err := errors.Join(os.WriteFile(device, nil, 0o600), os.Truncate(device, 4<<20)); err != nil {
				t.Fatal(err)
			}
			fill := strings.NewReplacer("KEY", key, "DEVICE", device)
			got := integritysetup(t, append([]string{"format", device}, strings.Fields(fill.Replace(tt.options))...)...)
			if got.code != tt.code || got.stdout != tt.stdout || lastLine(got.stderr) != fill.Replace(tt.stderr) {
				t.Errorf("%+v, want %d, %q, %q", got, tt.code, tt.stdout, tt.stderr)
			}
			if tt.check == "-" {
				return
			}
			var out bytes.Buffer
			args := append([]string{"integrity", "check", device}, strings.Fields(fill.Replace(tt.check))...)
			if code := cli.Run(t.Context(), args, strings.NewReader(""), &out, &out); code != 0 {
				t.Errorf("integrity check: %d, %s", code, out.String())
			}
		})
	}
}

// integrityStage is a fake kernel, with loop devices.
func integrityStage(t *testing.T) (k *kerneltest.Kernel, c *kernel.Control, run func(args ...string) result, disk string) {
	t.Helper()
	m, k, c := livetest.Fake(t, diskSize)
	attach := m.AttachLoop
	m.AttachLoop = func(file string, o activate.LoopOptions) (live.Loop, error) {
		if o.ReadOnly {
			return nil, errors.New("read-only")
		}
		return attach(file, o)
	}
	run = func(args ...string) result {
		var stdout, stderr bytes.Buffer
		code := dropin.Run(t.Context(), "integritysetup", args, ui.Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr}, dropin.Bodies{Machine: m})
		return result{code, stdout.String(), stderr.String()}
	}
	links, err := filepath.Glob(filepath.Join(m.SysDir, "dev/block/*:0"))
	if err != nil || len(links) != 1 {
		t.Fatalf("loop0 is %v, %v", links, err)
	}
	return k, c, run, filepath.Base(links[0])
}

// TestIntegritysetupSession opens, shows and closes devices with a fake kernel; the
// tables are what the real integritysetup loads, its answers as on Linux 6.12.
func TestIntegritysetupSession(t *testing.T) {
	t.Setenv("DM_DISABLE_UDEV", "1")
	k, c, run, disk := integrityStage(t)
	device := integrityFixture(t)
	want := func(got result, code int, stdout, stderr string) {
		t.Helper()
		if got != (result{code, stdout, stderr}) {
			t.Errorf("%+v, want %d, %q, %q", got, code, stdout, stderr)
		}
	}
	want(run("status", "x"), 4, "/dev/mapper/x is inactive.\n", "")
	want(run("close", "x"), 4, "", "Device x is not active.\n")
	for _, tt := range []struct{ options, table string }{
		{"", "0 7752 integrity %s 0 4 J 1 internal_hash:crc32c"},
		{"-D --allow-discards --buffer-sectors 64", "0 7752 integrity %s 0 4 D 3 buffer_sectors:64 internal_hash:crc32c allow_discards"},
		{"-B --bitmap-sectors-per-bit 64 --bitmap-flush-time 500", "0 7752 integrity %s 0 4 B 3 sectors_per_bit:64 bitmap_flush_interval:500 internal_hash:crc32c"},
		{"-R", "0 7752 integrity %s 0 4 R 1 internal_hash:crc32c"},
		{"--integrity-recalculate --journal-watermark 20 --journal-commit-time 99 -I sha256", "0 7752 integrity %s 0 4 J 4 journal_watermark:20 commit_time:99 internal_hash:sha256 recalculate"},
	} {
		want(run(append([]string{"open", device, "x"}, strings.Fields(tt.options)...)...), 0, "", "")
		ts, err := c.Table(kernel.ByName("x"), kernel.TableOptions{})
		var text bytes.Buffer
		if err == nil {
			err = tables.Format(&text, ts...)
		}
		if got := strings.TrimSpace(text.String()); err != nil || got != fmt.Sprintf(tt.table, disk) {
			t.Errorf("open %s: table %q, %v, want %q", tt.options, got, err, fmt.Sprintf(tt.table, disk))
		}
		if info, err := c.Info(kernel.ByName("x"), kernel.InfoOptions{}); err != nil || info.UUID != "CRYPT-INTEGRITY-x" {
			t.Errorf("UUID %q, %v", info.UUID, err)
		}
		want(run("open", device, "x"), 5, "", "Device x already exists.\n")
		want(run("close", "x"), 0, "", "")
	}
	if len(k.Devices()) != 0 {
		t.Errorf("left behind: %v", k.Devices())
	}
}

// TestIntegritysetupStatus: what the real one prints of tables as Linux 6.12 shows them.
func TestIntegritysetupStatus(t *testing.T) {
	t.Setenv("DM_DISABLE_UDEV", "1")
	k, c, run, disk := integrityStage(t)
	const head = "/dev/mapper/x is active.\n  type:    INTEGRITY\n  tag size: %d\n  integrity: %s\n  device:  /dev/loop0\n  sector size:  512 bytes\n  interleave sectors: 32768\n  size:    %d sectors\n  mode:    read/write%s\n  failures: 0\n"
	for _, tt := range []struct{ table, want string }{
		{
			"0 7752 integrity %s 0 4 J 8 journal_sectors:176 interleave_sectors:32768 buffer_sectors:128 journal_watermark:50 commit_time:10000 fix_padding fix_hmac internal_hash:crc32c",
			fmt.Sprintf(head, 4, "crc32c", 7752, "") + "  journal size: 90112 bytes\n  journal watermark: 50%\n  journal commit time: 10000 ms\n",
		},
		{
			"0 7752 integrity %s 0 4 D 7 allow_discards journal_sectors:176 interleave_sectors:32768 buffer_sectors:64 fix_padding fix_hmac internal_hash:crc32c",
			fmt.Sprintf(head, 4, "crc32c", 7752, "") + "  journal: not active\n  flags: discards \n",
		},
		{
			"0 7752 integrity %s 0 4 B 8 journal_sectors:176 interleave_sectors:32768 buffer_sectors:128 sectors_per_bit:64 bitmap_flush_interval:500 fix_padding fix_hmac internal_hash:crc32c",
			fmt.Sprintf(head, 4, "crc32c", 7752, "") + "  bitmap 512-byte sectors per bit: 64\n  bitmap flush interval: 500 ms\n  journal: not active\n",
		},
		{
			"0 7752 integrity %s 0 4 R 6 journal_sectors:176 interleave_sectors:32768 buffer_sectors:128 fix_padding fix_hmac internal_hash:crc32c",
			fmt.Sprintf(head, 4, "crc32c", 7752, " recovery") + "  journal size: 90112 bytes\n  journal watermark: 0%\n  journal commit time: 0 ms\n",
		},
		{
			"0 7504 integrity %s 0 8 J 10 journal_sectors:168 interleave_sectors:32768 buffer_sectors:128 journal_watermark:50 commit_time:10000 fix_padding fix_hmac internal_hash:hmac(sha256):6b6b journal_crypt:ctr(aes):6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b journal_mac:hmac(sha256):6b6b",
			fmt.Sprintf(head, 8, "hmac(sha256)", 7504, "") + "  journal size: 86016 bytes\n  journal watermark: 50%\n  journal commit time: 10000 ms\n  journal integrity MAC: hmac(sha256)\n  journal encryption: ctr(aes)\n",
		},
	} {
		ts, err := tables.Parse(strings.NewReader(fmt.Sprintf(tt.table, disk)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateAndLoad(t.Context(), "x", kernel.ActivateOptions{Create: kernel.CreateOptions{UUID: "CRYPT-INTEGRITY-x"}}, ts...); err != nil {
			t.Fatal(err)
		}
		k.SetStatus("x", "0 7752 -")
		if got := run("status", "x"); got != (result{0, tt.want, ""}) {
			t.Errorf("status: %+v\nwant %s", got, tt.want)
		}
		if r := run("remove", "x"); r.code != 0 {
			t.Fatalf("remove: %+v", r)
		}
	}
}
