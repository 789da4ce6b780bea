package lab

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// bootOptions is the kernel's command line. An oops ends QEMU at once. The clock
// is the one that a busy host does not distort. Self tests of ciphers cost a
// second, page tables of five levels a tenth of all.
const bootOptions = "console=ttyS0 quiet oops=panic panic=-1 rdinit=/init random.trust_cpu=on mitigations=off " +
	"clocksource=acpi_pm no_timer_check 8250.nr_uarts=1 cryptomgr.notests=1 no5lvl"

const qemuProgram = "qemu-system-x86_64"

// processor is all that QEMU can emulate but for AES on registers of 256 bits: QEMU 7.2
// gets the upper half of those wrong.
const processor = "max,-vaes"

// files are what QEMU reads, and the console that it writes.
type files struct {
	image, initramfs, console string
}

// qemuArgs returns the options of QEMU. What the commands write comes out of the
// descriptor outputFd.
func qemuArgs(cfg Config, f files, disks []Disk) []string {
	args := []string{
		"-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", processor,
		"-smp", strconv.Itoa(cfg.CPUs), "-m", strconv.Itoa(cfg.MemoryMiB),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-serial", "file:" + comma(f.console),
		"-chardev", fmt.Sprintf("file,id=output,path=/proc/self/fd/%d", outputFd),
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=output,name=" + guest.Port,
		"-kernel", f.image, "-initrd", f.initramfs, "-append", bootOptions,
	}
	for i, d := range disks {
		args = append(args, diskArgs(i, d)...)
	}
	return append(args, cfg.QEMU...)
}

// diskArgs returns the options for the disk with this index.
func diskArgs(i int, d Disk) []string {
	drive := fmt.Sprintf("file=%s,format=raw,if=none,id=disk%d,cache=unsafe", comma(d.Path), i)
	if d.ReadOnly {
		drive += ",readonly=on"
	}
	device := fmt.Sprintf("virtio-blk-pci,drive=disk%d,serial=%s", i, d.Serial)
	if d.BlockSize != 0 {
		device += fmt.Sprintf(",logical_block_size=%d,physical_block_size=%[1]d", d.BlockSize)
	}
	return []string{"-drive", drive, "-device", device}
}

// comma doubles commas, which end a value for QEMU.
func comma(s string) string { return strings.ReplaceAll(s, ",", ",,") }
