package dmsetup

// unlimited is any number of arguments.
const unlimited = -1

// command is one verb.
type command struct {
	name     string
	synopsis []string // its arguments, in lines; nil: not shown in the usage
	least    int
	most     int // unlimited, or a number
	run      func(t *tool, args []string) error
}

// commands lists the verbs in the order of the usage.
func commands() []command {
	return []command{
		{"help", []string{"[-c|-C|--columns]"}, 0, 0, (*tool).help},
		{"create", []string{
			"<dev_name>",
			"    [-j|--major <major> -m|--minor <minor>]",
			"    [-U|--uid <uid>] [-G|--gid <gid>] [-M|--mode <octal_mode>]",
			"    [-u|--uuid <uuid>] [--addnodeonresume|--addnodeoncreate]",
			"    [--readahead {[+]<sectors>|auto|none}]",
			"    [-n|--notable|--table {<table>|<table_file>}]",
			"--concise [<concise_device_spec_list>]",
		}, 0, 2, (*tool).create},
		{"remove", []string{"[--deferred] [-f|--force] [--retry] <device>..."}, 0, unlimited, each((*tool).remove)},
		{"remove_all", []string{"[-f|--force]"}, 0, 0, (*tool).removeAll},
		{"suspend", []string{"[--noflush] [--nolockfs] <device>..."}, 0, unlimited, each((*tool).suspend)},
		{"resume", []string{
			"[--noflush] [--nolockfs] <device>...",
			"       [--addnodeonresume|--addnodeoncreate]",
			"       [--readahead {[+]<sectors>|auto|none}]",
		}, 0, unlimited, each((*tool).resume)},
		{"load", []string{"<device> [<table>|<table_file>]"}, 0, 2, (*tool).load},
		{"clear", []string{"<device>"}, 0, unlimited, each((*tool).clear)},
		{"reload", []string{"<device> [<table>|<table_file>]"}, 0, 2, (*tool).load},
		{"wipe_table", []string{"[-f|--force] [--noflush] [--nolockfs] <device>..."}, 0, unlimited, each((*tool).wipeTable)},
		{"rename", []string{"<device> [--setuuid] <new_name_or_uuid>"}, 1, 2, (*tool).rename},
		{"measure", []string{"[<device>...]"}, 0, unlimited, eachOrAll((*tool).measure)},
		{"message", []string{"<device> <sector> <message>"}, 2, unlimited, (*tool).message},
		{"ls", []string{"[--target <target_type>] [--exec <command>] [-o <options>] [--tree]"}, 0, 0, (*tool).list},
		{"info", []string{"[<device>...]"}, 0, unlimited, (*tool).info},
		{"deps", []string{"[-o <options>] [<device>...]"}, 0, unlimited, eachOrAll((*tool).deps)},
		{"stats", []string{"<command> [<options>] [<device>...]"}, 1, unlimited, (*tool).stats},
		{"status", []string{"[<device>...] [--noflush] [--target <target_type>]"}, 0, unlimited, eachOrAll((*tool).status)},
		{"table", []string{"[<device>...] [--concise] [--target <target_type>] [--showkeys]"}, 0, unlimited, (*tool).table},
		{"wait", []string{"<device> [<event_nr>] [--noflush]"}, 0, 2, (*tool).wait},
		{"mknodes", []string{"[<device>...]"}, 0, unlimited, (*tool).makeNodes},
		{"mangle", []string{"[<device>...]"}, 0, unlimited, (*tool).mangleAll},
		{"udevcreatecookie", []string{""}, 0, 0, (*tool).createCookie},
		{"udevreleasecookie", []string{"[<cookie>]"}, 0, 1, (*tool).releaseCookie},
		{"udevflags", []string{"<cookie>"}, 1, 1, (*tool).cookieFlags},
		{"udevcomplete", []string{"<cookie>"}, 1, 1, (*tool).completeCookie},
		{"udevcomplete_all", []string{"[<age_in_minutes>]"}, 0, 1, (*tool).completeAll},
		{"udevcookies", []string{""}, 0, 0, (*tool).listCookies},
		{"target-version", []string{"[<target>...]"}, 0, unlimited, (*tool).targetVersion},
		{"targets", []string{""}, 0, 0, (*tool).targets},
		{"version", []string{""}, 0, 0, (*tool).version},
		{"setgeometry", []string{"<device> <cyl> <head> <sect> <start>"}, 5, 5, (*tool).setGeometry},
		{"splitname", []string{"<device> [<subsystem>]"}, 1, 2, (*tool).splitName},
	}
}

// findCommand finds a verb by its name.
func findCommand(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}
