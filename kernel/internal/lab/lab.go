// Package lab boots a distribution's kernel in a throw-away virtual machine and
// runs programs inside: test binaries of Go, and real tools beside them. It is how
// this project reaches a live device-mapper on machines that have none.
//
//	result, err := lab.Run(ctx, lab.Config{
//		Kernel:   "6.12",
//		Tools:    []string{"dmsetup"},
//		Commands: []lab.Command{{Path: "dmsetup", Args: []string{"targets"}}},
//	})
//	if err != nil { … }                          // the lab failed: no QEMU, a panic, time
//	fmt.Println(result.Exit, result.Commands[0]) // the program's own failure is here
//
// Tests of Go packages go through [GoTest], or package labtest which reports them
// as subtests. A test that only works inside says so with [Inside].
//
// The machine is QEMU without hardware virtualisation, so nothing measured inside
// is a benchmark. The kernels are Debian's cloud kernels, fetched once with
// apt-get download into a cache (DMIMG_LAB_CACHE, by default dmimg-lab in the
// user's cache folder); nothing is installed. The root file system is made here:
// kernel modules by package kmod, archives by package cpio, and /init is a Go
// program. It needs an amd64 Linux with qemu-system-x86_64 and the go command, and
// for the first run apt-get, dpkg-deb, xz and zstd; what is missing is named by a
// [MissingError]. It has no network and no file sharing: files go in with the image
// or as disks, and come back as artifacts.
package lab

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// DefaultKernel is the kernel of a Config that names none.
const DefaultKernel = "6.12"

// DefaultTimeout bounds a run whose Config gives no time.
const DefaultTimeout = 2 * time.Minute

// Command is one program that runs inside: Path, Args, Env, Dir.
type Command = guest.Command

// Config says what to boot and what to run in it.
type Config struct {
	// Kernel is one of Kernels(), "" means DefaultKernel.
	Kernel string
	// Commands run one after the other in one boot, whatever the exit status of
	// those before. A boot costs seconds: put many into one.
	Commands []Command
	// Files go into the image: path inside → file or folder of the host.
	Files map[string]string
	// Tools are programs of the host that go into the image with the libraries they
	// need, by name or path: "dmsetup", "cryptsetup", "lvm", "thin_check". They are
	// in PATH inside.
	Tools []string
	// Modules are kernel modules loaded before the first command. Few need it: the
	// kernel asks for device-mapper targets and ciphers by itself, and loop and
	// dm-mod are always loaded.
	Modules []string
	// Extra adds modules that Debian's kernels lack, built from their source at the
	// first use: the targets dust, ebs and clone, the path selectors
	// historical-service-time and io-affinity, the ciphers sm4, aria and hctr2. It
	// takes a compiler and make; without them the run is a MissingError.
	Extra bool
	// Disks are block devices; guest.Disk(serial) is their path inside.
	Disks []Disk
	// Udev puts systemd-udevd and the rules of device-mapper into the image and
	// waits until it has seen all devices. Without it programs get
	// DM_DISABLE_UDEV=1, and device nodes are whatever they make themselves.
	Udev bool
	// MemoryMiB is the size of the machine's memory, 0 means 512. Image and /tmp
	// share it.
	MemoryMiB int
	// CPUs is their number, 0 means 1. More make no single program faster.
	CPUs int
	// Timeout bounds the run from the start of QEMU, 0 means DefaultTimeout.
	Timeout time.Duration
	// Artifacts is a folder of the host, made if need be, that receives what the
	// commands leave in guest.OutDir. "" means that it is dropped.
	Artifacts string
	// Output receives what the commands write while they run, with the marks of
	// package guest between. May be nil.
	Output io.Writer
	// QEMU is added to the options of QEMU, for hardware that Config does not know.
	QEMU []string
}

// Disk is a block device of the machine, as virtio-blk.
type Disk struct {
	// Serial names it, up to 20 bytes of letters, digits, "-" and "_".
	Serial string
	// Path is a raw image on the host that the guest changes in place. "" means a
	// blank disk that is gone afterwards.
	Path string
	// Size of a blank disk in bytes, a multiple of 512.
	Size int64
	// BlockSize is the logical and physical block size in bytes, 0 means 512.
	BlockSize int
	// ReadOnly refuses writes.
	ReadOnly bool
}

// Result is what a boot left.
type Result struct {
	// Exit is the first exit status of Commands that is not 0.
	Exit int
	// Commands are as in Config.
	Commands []CommandResult
	// Release is the kernel's, as uname prints it.
	Release string
	// Console is all that the kernel and /init wrote.
	Console string
	// Prepare is the time that building the image took, and waiting for a free
	// processor; Boot that from the start of the kernel to the first command, by the
	// guest's clock; Elapsed that from the start of QEMU to its end.
	Prepare, Boot, Elapsed time.Duration
}

// CommandResult is what became of one command.
type CommandResult struct {
	// Path is that of the Command.
	Path string
	// Exit is its exit status: 128 and the number of the signal that ended it, 127
	// if it could not be started.
	Exit int
	// Output is what it wrote to standard output and standard error.
	Output []byte
	// Elapsed is the time it took by the guest's clock.
	Elapsed time.Duration
}

// String is for messages: the command, its exit status and output.
func (r CommandResult) String() string {
	return fmt.Sprintf("%s: exit %d after %v\n%s", r.Path, r.Exit, r.Elapsed.Round(time.Millisecond), r.Output)
}

// Inside reports whether the program runs in a guest of the lab.
func Inside() bool { return guest.Inside() }

// Run boots a kernel, runs the commands and returns what became of them. It may be
// called concurrently, also from several programs: as many machines as there are
// processors run at once, others wait. QEMU ends when ctx does.
//
// Errors are of the lab: [MissingError], [CrashError], [TimeoutError], a wrong
// Config, or a failure of fetching and building. A command that fails is none.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	start := time.Now()
	m, err := prepare(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer m.close()
	result, err := m.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("lab: running on %s: %w", m.kernel.release, err)
	}
	result.Prepare = time.Since(start) - result.Elapsed
	return result, nil
}
