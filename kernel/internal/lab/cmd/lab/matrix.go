package main

import (
	"slices"
	"time"

	"github.com/dmimg/dmimg/kernel/internal/lab"
)

// row is a package whose tests run inside, and where.
type row struct {
	// pkg is its folder in the module.
	pkg string
	// name tells rows of one package apart, "" for most.
	name string
	// args go to the test binary.
	args []string
	// env is added to the environment.
	env []string
	// tools are in the image, beside dmsetup.
	tools []string
	// kernels are those it runs on, nil means all.
	kernels []string
	// udev says which images it runs in.
	udev images
	// extra adds the modules that Debian's kernels lack.
	extra bool
	// memory in MiB, 0 means what the lab gives.
	memory int
	// show is a test whose log is printed even when it passes.
	show string
	// long leaves it out of "make test".
	long bool
}

// images says whether udev runs inside.
type images int

const (
	both images = iota
	withoutUdev
	withUdev
)

const (
	module   = "github.com/dmimg/dmimg"
	selftest = "kernel/internal/lab/selftest"
)

// matrix is what "lab full" runs. A package enters by a line; its tests begin with
// labtest.Inside.
var matrix = []row{
	{ // package lab has these too, with disks and artifacts
		pkg: selftest, args: []string{"-test.skip=TestDisk|TestTools|TestExtra|TestPanic"},
		tools: []string{"udevadm"}, long: true,
	},
	{
		pkg: selftest, name: "extra modules", args: []string{"-test.run=TestExtra"},
		env: []string{"DMIMG_LAB_EXTRA=1"}, extra: true, udev: withoutUdev, long: true,
	},
	{
		pkg: selftest, name: "real tools", args: []string{"-test.run=TestTools"},
		tools: []string{"cryptsetup", "veritysetup", "integritysetup", "lvm", "thin_check"}, env: []string{"DMIMG_LAB_TOOLS=1"}, long: true,
	},
	{pkg: "kernel/internal/lab/loop", udev: withoutUdev},
	{pkg: "kernel", args: []string{"-test.run=Live", "-test.skip=TestLiveScale"}},
	{
		pkg: "kernel", name: "scale", args: []string{"-test.run=TestLiveScale"},
		udev: withoutUdev, show: "TestLiveScale", long: true,
	},
	{ // its test stands in for udevd
		pkg: "kernel", name: "cookies", args: []string{"-test.run=TestLiveCookies", "-test.timeout=0"},
		env: []string{"DMIMG_TEST_CYCLES=10000"}, udev: withoutUdev, show: "TestLiveCookies", long: true,
	},
	{ // udevd starts programs for each event: a cycle takes five times as long
		pkg: "kernel", name: "cookies of udevd", args: []string{"-test.run=TestLiveCookies", "-test.timeout=0"},
		env: []string{"DMIMG_TEST_CYCLES=2000"}, udev: withUdev, show: "TestLiveCookies", long: true,
	},
	{pkg: "kernel/kerneltest", args: []string{"-test.run=^TestLive"}, udev: withoutUdev}, // udevd has devices open
	{pkg: "internal/cli", args: []string{"-test.run=^TestLiveKernel"}},
	{pkg: "kernel/activate", args: []string{"-test.run=^TestLive"}, tools: []string{"cryptsetup"}},
	{pkg: "internal/dropin", args: []string{"-test.run=^TestLive"}, tools: []string{"veritysetup"}, udev: withoutUdev},
	{ // its session is one of cryptsetup 2.6.1 on this kernel
		pkg: "internal/dropin/cryptsetup", args: []string{"-test.run=^TestLive"}, tools: []string{"cryptsetup"},
		kernels: []string{"6.12"}, udev: withoutUdev, long: true,
	},
	{ // what it holds dmsetup to was written down on this kernel: 6.1 takes the names "." and "control"
		pkg: "internal/dropin/dmsetup", args: []string{"-test.run=^TestLive"}, tools: []string{"echo"},
		kernels: []string{"6.12"}, udev: withoutUdev,
	},
	{ // cryptsetup with all ciphers of the kernel
		pkg: "crypt/luks", args: []string{"-test.run=^TestLive"}, tools: []string{"cryptsetup", "losetup"},
		env: []string{"DMIMG_TEST_REQUIRE=all"}, udev: withoutUdev, extra: true, memory: 1024, long: true,
	},
	{
		pkg: "volume/integrity", args: []string{"-test.run=^TestLive"}, tools: []string{"losetup", "integritysetup"},
		udev: withoutUdev, long: true,
	},
	{
		pkg: "volume/integrity/journal", args: []string{"-test.run=^TestLive"}, tools: []string{"losetup"},
		udev: withoutUdev, long: true,
	},
	{
		pkg: "kernel/difftest", args: []string{"-test.run=^TestLive", "-test.skip=^TestLiveCorpus"},
		udev: withoutUdev, extra: true, memory: 1024, show: "TestLiveRows/matrix",
	},
	{ // what "make corpus" packs
		pkg: "kernel/difftest", name: "corpus", args: []string{"-test.run=^TestLiveCorpus"},
		env:  []string{"DMIMG_DIFFTEST_SEED=" + time.Now().UTC().Format(time.RFC3339Nano)},
		udev: withoutUdev, extra: true, memory: 1024, long: true,
	},
}

// job is a row on one kernel, with udev or not.
type job struct {
	row
	kernel    string
	udev      bool
	artifacts string // folder of the host for what it leaves, "": dropped
}

// title names the row.
func (r row) title() string {
	if r.name == "" {
		return r.pkg
	}
	return r.pkg + ": " + r.name
}

// jobs lists all of the matrix.
func jobs(rows []row, kernels []string) []job {
	var all []job
	for _, r := range rows {
		for _, kernel := range kernels {
			if r.kernels != nil && !slices.Contains(r.kernels, kernel) {
				continue
			}
			if r.udev != withUdev {
				all = append(all, job{row: r, kernel: kernel})
			}
			if r.udev != withoutUdev {
				all = append(all, job{row: r, kernel: kernel, udev: true})
			}
		}
	}
	return all
}

// config returns what to boot for a job.
func (j job) config() (lab.Config, lab.TestPackage) {
	env := append([]string{"DMIMG_LAB_WANT=" + j.kernel, "DMIMG_TEST_REQUIRE_KERNEL=1"}, j.env...)
	if j.udev {
		env = append(env, "DMIMG_LAB_UDEV=1")
	}
	return lab.Config{
		Kernel: j.kernel, Udev: j.udev, Tools: append([]string{"dmsetup"}, j.tools...),
		Extra: j.extra, MemoryMiB: j.memory, Timeout: jobTimeout, Artifacts: j.artifacts,
	}, lab.TestPackage{Package: module + "/" + j.pkg, Args: j.args, Env: env}
}
