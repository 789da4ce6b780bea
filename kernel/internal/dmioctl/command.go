package dmioctl

// Command is the number of an ioctl of the control device.
type Command uint32

// The commands, in the order of their numbers.
const (
	CmdVersion Command = iota
	CmdRemoveAll
	CmdListDevices
	CmdCreate
	CmdRemove
	CmdRename
	CmdSuspend // suspend with FlagSuspend, resume without
	CmdInfo
	CmdWait
	CmdLoad
	CmdClear
	CmdDeps
	CmdStatus // status, or table with FlagStatusTable
	CmdListVersions
	CmdMessage
	CmdSetGeometry
	CmdArmPoll
	CmdTargetVersion
	numCommands
)

// commands say how people call a command and which minor number of the interface
// brought it (libdm's own list).
var commands = [numCommands]struct {
	name  string
	minor uint32
}{
	CmdVersion:       {"version", 0},
	CmdRemoveAll:     {"remove-all", 0},
	CmdListDevices:   {"list-devices", 0},
	CmdCreate:        {"create", 0},
	CmdRemove:        {"remove", 0},
	CmdRename:        {"rename", 0},
	CmdSuspend:       {"suspend", 0},
	CmdInfo:          {"info", 0},
	CmdWait:          {"wait", 0},
	CmdLoad:          {"load", 0},
	CmdClear:         {"clear", 0},
	CmdDeps:          {"deps", 0},
	CmdStatus:        {"status", 0},
	CmdListVersions:  {"list-versions", 1},
	CmdMessage:       {"message", 2},
	CmdSetGeometry:   {"set-geometry", 6},
	CmdArmPoll:       {"arm-poll", 36},
	CmdTargetVersion: {"target-version", 41},
}

// Known reports whether c is the number of a command.
func (c Command) Known() bool { return c < numCommands }

// String is the name of the command.
func (c Command) String() string {
	if !c.Known() {
		return "unknown command"
	}
	return commands[c].name
}

// Minor is the minor number of the interface that brought the command.
func (c Command) Minor() uint32 {
	if !c.Known() {
		return 0
	}
	return commands[c].minor
}

// Request is the number to give to ioctl(2): type 0xfd, both directions, the size of
// the header. It is the same on all of Linux's machines, those that code directions in
// another way included.
func (c Command) Request() uint32 { return 0xc138fd00 + uint32(c) }

// ProbePathsRequest is DM_MPATH_PROBE_PATHS, which takes no buffer and goes to the block
// device. goarch is as in GOARCH: mips and ppc64 (powerpc) write "no direction" as a bit.
func ProbePathsRequest(goarch string) uint32 {
	switch goarch {
	case "mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "sparc64":
		return 0x2000fd12
	}
	return 0xfd12
}
