package cli

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity/manifest"
)

// partitionArchitectures are those that the Discoverable Partitions Specification has
// types of root and usr partitions for, as repart.d(5) calls them.
var partitionArchitectures = []string{
	"alpha", "arc", "arm", "arm64", "ia64", "loongarch64", "mips", "mips-le", "mips64", "mips64-le", "parisc",
	"ppc", "ppc64", "ppc64-le", "riscv32", "riscv64", "s390", "s390x", "tilegx", "x86", "x86-64",
}

// checkPartitionType refuses a type that repart.d(5) does not know for data.
func checkPartitionType(name string) error {
	use, architecture, ok := strings.Cut(name, "-")
	known := use == "root" || use == "usr"
	if name == "" || known && (!ok || architecture == "secondary" || slices.Contains(partitionArchitectures, architecture)) {
		return nil
	}
	return ui.Usagef("--partition-type %q: root or usr, alone or with an architecture: %s", name, strings.Join(partitionArchitectures, ", "))
}

// mount is what the image is for: "root" or "usr".
func (e emitOptions) mount() string {
	use, _, _ := strings.Cut(cmp.Or(e.partitionType, "root"), "-")
	return use
}

// hashInData reports whether the tree goes into the file of the data.
func (j *verityJob) hashInData() bool { return ui.IsSameFile(j.in.Info(), ui.StatFile(j.o.hash)) }

// partitionUUIDs are those that the root hash gives to the partitions of data and tree.
func (j *verityJob) partitionUUIDs() (u manifest.PartitionUUIDs, ok bool) {
	if j.hashInData() {
		return u, false
	}
	return manifest.PartitionUUIDsOf(j.root)
}

// Ways to name a partition by its UUID.
const (
	byTag  = "PARTUUID="              // systemd, and the kernel in dm-mod.create=
	byLink = "/dev/disk/by-partuuid/" // what udev makes, for everything else
)

// nameless is what DATA from a stream is called.
const nameless = "DATA"

// placeWords are what texts call the devices.
type placeWords struct{ data, hash, fec string }

// placeWords takes the words of the flags. Else partitions are named by their UUIDs in
// the given way, and other files as on the command line; DATA from a stream has no
// name yet. A tree in the data, and parity in the data or with the tree, are called as those are.
func (j *verityJob) placeWords(way string) (w placeWords, err error) {
	e := j.o.emit
	w = placeWords{data: j.o.data, hash: j.o.hash, fec: j.o.fec.device}
	if w.data == "-" {
		w.data = nameless
	}
	if e.partitionType != "" {
		u, err := j.needPartitionUUIDs("partition-type")
		if err != nil {
			return w, err
		}
		w.data, w.hash = way+u.Data.String(), way+u.Tree.String()
	}
	if e.data != "" && j.hashInData() {
		w.hash = e.data
	}
	w.data, w.hash = cmp.Or(e.data, w.data), cmp.Or(e.hash, w.hash)
	if j.o.fec.device == "" {
		return w, nil
	}
	switch {
	case e.fec != "":
		w.fec = e.fec
	case isSamePath(j.o.fec.device, j.o.hash) && w.hash != j.o.hash:
		w.fec = w.hash
	case j.o.data != "-" && isSamePath(j.o.fec.device, j.o.data) && w.data != j.o.data:
		w.fec = w.data
	case e.partitionType != "" && j.parityPlace() == manifest.InFile:
		return w, ui.Usagef("--partition-type: --emit-fec must say what the FEC device is called: the root hash gives UUIDs to DATA and HASH only")
	}
	return w, nil
}

// needPartitionUUIDs is partitionUUIDs with an error for the flag that asks for them.
func (j *verityJob) needPartitionUUIDs(flag string) (manifest.PartitionUUIDs, error) {
	u, ok := j.partitionUUIDs()
	switch {
	case ok:
		return u, nil
	case j.hashInData():
		return u, ui.Usagef("--%s: HASH is in DATA, but must be a partition of its own", flag)
	default:
		return u, ui.Failf("--%s: a root hash of %d bits is too short for two partition UUIDs", flag, 8*len(j.root))
	}
}

// maxMapName is the longest name of a mapping in bytes (DM_NAME_LEN, less the NUL).
const maxMapName = 127

// mapName is the name of the mapping: that of the flag, of the use of the partitions,
// or that of DATA without directory and suffix, as far as it is made of letters,
// digits, dots, dashes and underscores.
func (j *verityJob) mapName() string {
	if e := j.o.emit; e.name != "" || e.partitionType != "" {
		return cmp.Or(e.name, e.mount())
	}
	name, _, _ := strings.Cut(filepath.Base(j.o.data), ".")
	name = strings.Map(func(r rune) rune {
		if r < 0x80 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
			return r
		}
		return -1
	}, name)
	if name == "" || name == "-" || name == "control" {
		return "root"
	}
	return cut(name, maxMapName)
}

// cut shortens text to n characters.
func cut(text string, n int) string {
	runes := []rune(text)
	return string(runes[:min(n, len(runes))])
}
