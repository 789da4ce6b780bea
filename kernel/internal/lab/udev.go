package lab

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// udevTools are the programs that the rules of device-mapper call, and udev's own.
var udevTools = []string{"systemd-udevd", "udevadm", "dmsetup"}

// udevRules are those of Debian that concern block devices. The dm ones come with
// package dmsetup.
var udevRules = []string{
	"50-udev-default.rules", "55-dm.rules", "56-lvm.rules", "60-block.rules", "60-persistent-storage.rules",
	"60-persistent-storage-dm.rules", "69-lvm.rules", "95-dm-notify.rules",
}

// optionalRules come with lvm2, which not every host has.
var optionalRules = []string{"56-lvm.rules", "69-lvm.rules"}

// udevGroups is the /etc/group that the rules want; nothing else in a guest does.
const udevGroups = `root:x:0:
tty:x:5:
disk:x:6:
lp:x:7:
dialout:x:20:
cdrom:x:24:
tape:x:26:
audio:x:29:
video:x:44:
input:x:102:
sgx:x:103:
kvm:x:104:
render:x:105:
`

const udevUsers = "root:x:0:0:root:/root:/bin/sh\n"

// rules returns the rules of the host: path inside → file.
func rules() (map[string]string, error) {
	files := map[string]string{}
	for _, name := range udevRules {
		file, err := findRule(name)
		if err == nil {
			files["/usr/lib/udev/rules.d/"+name] = file
		} else if !slices.Contains(optionalRules, name) {
			return nil, err
		}
	}
	return files, nil
}

func findRule(name string) (string, error) {
	for _, dir := range []string{"/usr/lib/udev/rules.d", "/lib/udev/rules.d"} {
		file := filepath.Join(dir, name)
		if _, err := os.Stat(file); err == nil {
			return file, nil
		}
	}
	return "", &MissingError{What: []string{fmt.Sprintf("the udev rule %s", name)}, How: "sudo apt-get install udev dmsetup"}
}
