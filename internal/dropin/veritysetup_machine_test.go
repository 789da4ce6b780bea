package dropin_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
	"github.com/dmimg/dmimg/tables"
)

// locked is a machine whose control device cannot be opened.
type locked struct {
	kernel.System
	err error
}

func (l locked) OpenControl(string) (kernel.Transport, error) { return nil, l.err }

// TestVeritysetupWithoutKernel has the statuses that veritysetup 2.6.1 has on a machine
// without device-mapper.
func TestVeritysetupWithoutKernel(t *testing.T) {
	t.Parallel()
	f := newFixtures(t)
	for _, c := range []struct {
		args string
		code int
	}{
		{"status x", 1},
		{"close x", 4},
		{"open " + f.path("d") + " x " + f.path("h") + " " + f.roots["@ROOT"], 1},
		{"open " + f.path("d") + " x " + f.path("h") + " zz", 1},
		{"open " + f.path("d") + " x " + f.path("none") + " zz", 4},
	} {
		for err, want := range map[error]string{syscall.ENOENT: "Is dm_mod kernel module loaded?", syscall.EACCES: "running as non-root user"} {
			m := live.Machine{System: locked{err: err}}
			code, stdout, stderr := runMachine(t, m, strings.Fields(c.args))
			if code != c.code || stdout != "" || strings.HasPrefix(c.args, "status") && !strings.Contains(stderr, want) {
				t.Errorf("veritysetup %s: status %d, want %d; %q, %q", c.args, code, c.code, stdout, stderr)
			}
		}
	}
}

// TestVeritysetupStatusForms prints a device with all there is, in both forms.
func TestVeritysetupStatusForms(t *testing.T) {
	t.Parallel()
	_, m, _, control := fakeStage(t)
	table := tables.VerityTable{
		Length: 4096 * 10, HashType: 1, DataDevice: "/dev/loop3", HashDevice: "/dev/loop4", DataBlockSize: 4096, HashBlockSize: 4096,
		NumDataBlocks: 10, HashStartBlock: 1, Algorithm: "sha256", Digest: strings.Repeat("1", 64), Salt: "00ff",
		Params: tables.VerityOptions{
			RestartOnCorruption: true, RestartOnError: true, CheckAtMostOnce: true, TryVerifyInTasklet: true,
			FECDevice: "/dev/loop5", FECRoots: 2, FECBlocks: 12, FECStart: 4, RootHashSigKeyDesc: "some:key",
		}.Params(),
	}
	o := kernel.ActivateOptions{Load: kernel.LoadOptions{ReadOnly: true}, Create: kernel.CreateOptions{UUID: "CRYPT-VERITY-vs"}}
	if _, err := control.CreateAndLoad(t.Context(), "vs", o, table); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.SysDir, "block/loop5/loop/backing_file"), []byte("/images/parity\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(m.SysDir, "block/loop4/dm"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(m.SysDir, "block/loop4/dm/name"), []byte("low\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ args, want string }{
		{"status vs", `/dev/mapper/vs is active.
  type:        VERITY
  status:      verified (with signature)
  hash type:   1
  data block:  4096 [bytes]
  hash block:  4096 [bytes]
  hash name:   sha256
  salt:        00ff
  data device: /dev/loop3
  size:        80 [512-byte units] (40960 [bytes])
  mode:        readonly
  hash device: /dev/mapper/low
  hash offset: 8 [512-byte units] (4096 [bytes])
  FEC device:  /dev/loop5
  FEC loop:    /images/parity
  FEC offset:  32 [512-byte units] (16384 [bytes])
  FEC roots:   2
  root hash:   ` + strings.Repeat("1", 64) + `
  flags:       restart_on_corruption restart_on_error check_at_most_once try_verify_in_tasklet 
`},
		{"status vs --compat=2.6", `/dev/mapper/vs is active.
  type:        VERITY
  status:      verified (with signature)
  hash type:   1
  data block:  4096
  hash block:  4096
  hash name:   sha256
  salt:        00ff
  data device: /dev/loop3
  size:        80 sectors
  mode:        readonly
  hash device: /dev/mapper/low
  hash offset: 8 sectors
  FEC device:  /dev/loop5
  FEC offset:  32 sectors
  FEC roots:   2
  root hash:   ` + strings.Repeat("1", 64) + `
  flags:       restart_on_corruption restart_on_error check_at_most_oncetry_verify_in_tasklet
`},
	} {
		if code, stdout, stderr := runMachine(t, m, strings.Fields(c.args)); code != 0 || stdout != c.want {
			t.Errorf("veritysetup %s: status %d, %s\n%swant\n%s", c.args, code, stderr, stdout, c.want)
		}
	}
}

// TestVeritysetupFailures gives what the kernel refuses veritysetup's status, and leaves
// nothing.
func TestVeritysetupFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, args string
		fault      kerneltest.Fault
		code       int
		stderr     string
	}{
		{"load", "open @/d vs @/h @ROOT", kerneltest.Fault{Call: "load", Err: syscall.E2BIG}, 4, "argument list too long"},
		{"signature", "open @/d vs @/h @ROOT --root-hash-signature=@/tiny", kerneltest.Fault{Call: "load", Err: syscall.EBADMSG}, 4, ""},
		{"in use below", "open @/d vs @/h @ROOT", kerneltest.Fault{Call: "load", Err: syscall.EBUSY}, 5, "in use"},
		{"taken meanwhile", "open @/d vs @/h @ROOT", kerneltest.Fault{Call: "create", Err: syscall.EBUSY}, 5, "Device vs already exists."},
		{"a name that Linux 6.1 takes", "open @/d control @/h @ROOT", kerneltest.Fault{}, 4, "cannot be the name"},
		{"no rights", "open @/d vs @/h @ROOT", kerneltest.Fault{Call: "create", Err: syscall.EPERM}, 4, "permission denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, m, k, _ := fakeStage(t)
			if c.fault.Call != "" {
				k.Inject(c.fault)
			}
			var args []string
			for _, w := range strings.Fields(strings.ReplaceAll(c.args, "@ROOT", f.roots["@ROOT"])) {
				args = append(args, strings.ReplaceAll(w, "@/", f.dir+"/"))
			}
			code, stdout, stderr := runMachine(t, m, args)
			if code != c.code || stdout != "" || !strings.Contains(stderr, c.stderr) || len(k.Devices()) != 0 {
				t.Errorf("veritysetup %s: status %d, want %d; %q %q, want %q; devices %q", c.args, code, c.code, stdout, stderr, c.stderr, k.Devices())
			}
		})
	}
}

// TestVeritysetupNoLoop cannot make a loop device.
func TestVeritysetupNoLoop(t *testing.T) {
	t.Parallel()
	f, m, _, _ := fakeStage(t)
	attach, made := m.AttachLoop, 0
	m.AttachLoop = func(file string, o activate.LoopOptions) (live.Loop, error) {
		if made++; made == 2 {
			return nil, syscall.ENOSPC
		}
		return attach(file, o)
	}
	code, _, stderr := runMachine(t, m, []string{"open", f.path("d"), "vs", f.path("h"), f.roots["@ROOT"]})
	if code != 4 || !strings.Contains(stderr, "no space left") {
		t.Errorf("status %d, %q", code, stderr)
	}
}
