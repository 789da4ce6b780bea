// Package guest is what the host side of the lab and the programs inside its
// virtual machine agree on: the paths of the root file system, the [Spec] that
// /init reads, and the marks it writes between the outputs of commands.
//
//	if !guest.Inside() {
//		t.Skip(guest.Outside)
//	}
//	disk := guest.Disk("data") // the disk that Config.Disks calls "data"
//
// It starts nothing and knows nothing of QEMU: that is package lab.
package guest

import (
	"os"
	"time"
)

// The root file system of a guest.
const (
	// SpecPath is the JSON form of Spec.
	SpecPath = "/lab/spec.json"
	// IndexPath is the index of the kernel modules, see package kmod.
	IndexPath = "/lab/modules.index"
	// ExtraIndexPath is that of modules which another archive adds. Both texts
	// together are one index.
	ExtraIndexPath = "/lab/extra.index"
	// ModuleDir is the tree of modules that the index names.
	ModuleDir = "/lab/modules"
	// OutDir is the folder whose content the host gets back as artifacts.
	OutDir = "/lab/out"
	// DiskDir holds a link for each disk, named by its serial.
	DiskDir = "/dev/lab"
	// SourceDir is where test binaries find the testdata of their packages.
	SourceDir = "/lab/src"
)

// OutSerial is the serial of the disk that carries the artifacts.
const OutSerial = "labout"

// Port is the name of the virtio port that carries the commands' output.
const Port = "lab.output"

// EnvInside is the variable that is "1" for every program inside.
const EnvInside = "DMIMG_LAB"

// Outside is why a test that needs the lab is skipped elsewhere.
const Outside = "needs a live device-mapper: it runs inside the lab (make lab-full)"

// Inside reports whether the program runs in a guest of the lab.
func Inside() bool { return os.Getenv(EnvInside) == "1" }

// Disk returns the path of the disk with this serial inside the guest.
func Disk(serial string) string { return DiskDir + "/" + serial }

// Spec says what /init does.
type Spec struct {
	// Time is the host's clock, which the guest's takes when it is behind.
	Time time.Time
	// Modules are loaded in this order before the first command.
	Modules []string
	// Udev says that systemd-udevd is in the image and shall run.
	Udev bool
	// Artifacts says that OutDir goes to the disk OutSerial in the end.
	Artifacts bool
	// Commands run one after the other, whatever the exit status of those before.
	Commands []Command
}

// Command is one program that runs inside.
type Command struct {
	// Path is absolute, or a name that is looked up in PATH.
	Path string
	// Args come after the name of the program.
	Args []string
	// Env is added to the environment that all commands have.
	Env []string
	// Dir is the working directory, made if need be; "" is /tmp.
	Dir string
}
