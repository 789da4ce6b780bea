package dmsetup

import (
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// section is a group of fields, as help lists them.
type section struct {
	name   string // "name": name_all are all of its fields
	title  string
	fields []field
}

// field is a column of a report.
type field struct {
	id      string
	heading string
	width   int // at least
	numeric bool
	help    string
	value   func(t *tool, r *row) (string, error)
}

// row is what a report says of one device.
type row struct {
	info  kernel.Info
	name  string   // what splitname splits; info is then empty
	graph *graph   // only for fields that need it
	used  []uint64 // what its table uses, with --inactive the staged one; as graph
	plain bool     // there is no device: only the parts of a name are known
}

// node is the device among those that use it and that it uses.
func (r *row) node() *node {
	if n := r.graph.nodes[r.info.DevNo]; n != nil {
		return n
	}
	return &node{} // removed meanwhile
}

// sections are the fields of info and splitname.
var sections = []section{
	{"name", "Mapped Device Name Fields", []field{
		{"name", "Name", 16, false, "Name of the device", func(t *tool, r *row) (string, error) { return t.show(r.info.Name), nil }},
		{"mangled_name", "MangledName", 16, false, "Name with \\xNN for unusual bytes", func(t *tool, r *row) (string, error) { return mangledForm(r.info.Name), nil }},
		{"unmangled_name", "UnmangledName", 16, false, "Name without \\xNN", func(t *tool, r *row) (string, error) { return kernel.Unmangle(r.info.Name), nil }},
		{"uuid", "UUID", 32, false, "UUID, if the device has one", func(t *tool, r *row) (string, error) { return t.show(r.info.UUID), nil }},
		{"mangled_uuid", "MangledUUID", 32, false, "UUID with \\xNN for unusual bytes", func(t *tool, r *row) (string, error) { return mangledForm(r.info.UUID), nil }},
		{"unmangled_uuid", "UnmangledUUID", 32, false, "UUID without \\xNN", func(t *tool, r *row) (string, error) { return kernel.Unmangle(r.info.UUID), nil }},
		{"read_ahead", "RAhead", 6, true, "Read ahead in sectors", readAheadField},
	}},
	{"info", "Mapped Device Information Fields", []field{
		{"blkdevname", "BlkDevName", 16, false, "The kernel's name of the block device", blockNameField},
		{"attr", "Stat", 4, false, "(L)ive and (I)nactive table, (s)uspended, (r)ead-only or (w)riteable", func(_ *tool, r *row) (string, error) { return attributes(r.info), nil }},
		{"tables_loaded", "Tables", 6, false, "Tables that are there: Live, Inactive, Both or None", func(_ *tool, r *row) (string, error) { return tablesLoaded(r.info), nil }},
		{"suspended", "Suspended", 9, false, "Suspended or Active", func(_ *tool, r *row) (string, error) { return choose(r.info.Suspended(), "Suspended", "Active"), nil }},
		{"readonly", "Read-only", 9, false, "Read-only or Writeable", func(_ *tool, r *row) (string, error) { return choose(r.info.ReadOnly(), "Read-only", "Writeable"), nil }},
		{"devno", "DevNo", 5, false, "Major and minor number", func(_ *tool, r *row) (string, error) { return numberOfDevice(r.info.DevNo), nil }},
		{"major", "Maj", 3, true, "Major number", func(_ *tool, r *row) (string, error) { return number(kernel.Major(r.info.DevNo)) }},
		{"minor", "Min", 3, true, "Minor number", func(_ *tool, r *row) (string, error) { return number(kernel.Minor(r.info.DevNo)) }},
		{"open", "Open", 4, true, "How many have it open", func(_ *tool, r *row) (string, error) { return number(r.info.OpenCount) }},
		{"segments", "Targ", 4, true, "Targets of the live table", func(_ *tool, r *row) (string, error) { return number(r.info.TargetsNum) }},
		{"events", "Event", 6, true, "Number of the last event", func(_ *tool, r *row) (string, error) { return number(r.info.EventNr) }},
	}},
	{"deps", "Mapped Device Dependency Fields", []field{
		{"device_count", "#Devs", 5, true, "How many devices it uses", func(_ *tool, r *row) (string, error) { return number(len(r.used)) }},
		{"devnos_used", "DevNosUsed", 16, false, "Numbers of the devices it uses", func(_ *tool, r *row) (string, error) { return numbersOf(r.used), nil }},
		{"blkdevs_used", "BlkDevNamesUsed", 16, false, "The kernel's names of the block devices it uses", blockNamesField},
	}},
	{"tree", "Mapped Device Tree Fields", []field{
		{"devs_used", "DevNamesUsed", 16, false, "Names of the mapped devices it uses", func(t *tool, r *row) (string, error) { return t.namesOf(r.node().uses), nil }},
		{"device_ref_count", "#Refs", 5, true, "How many mapped devices use it", func(_ *tool, r *row) (string, error) { return number(len(r.node().usedBy)) }},
		{"names_using_dev", "RefNames", 8, false, "Names of the mapped devices that use it", func(t *tool, r *row) (string, error) { return t.namesOf(r.node().usedBy), nil }},
		{"devnos_using_dev", "RefDevNos", 9, false, "Numbers of the mapped devices that use it", func(_ *tool, r *row) (string, error) { return numbersOf(devnosOf(r.node().usedBy)), nil }},
	}},
	{"splitname", "Mapped Device Name Components Fields", []field{
		{"subsystem", "Subsys", 6, false, "Subsystem that made the device", func(_ *tool, r *row) (string, error) { return r.split().subsystem, nil }},
		{"vg_name", "VG", 4, false, "Volume group of LVM", func(_ *tool, r *row) (string, error) { return r.split().group, nil }},
		{"lv_name", "LV", 4, false, "Logical volume of LVM", func(_ *tool, r *row) (string, error) { return r.split().volume, nil }},
		{"lv_layer", "LVLayer", 7, false, "Layer inside the logical volume", func(_ *tool, r *row) (string, error) { return r.split().layer, nil }},
	}},
}

// needGraph are the sections whose fields want to know who uses whom.
var needGraph = map[string]bool{"deps": true, "tree": true}

// statisticsFields begin the names of fields that only devices with statistics have; this
// program does not read those.
var statisticsFields = []string{
	"stats_all", "region_all", "read_count", "reads_merged_count", "read_sector_count", "read_time", "write_count",
	"writes_merged_count", "write_sector_count", "write_time", "in_progress_count", "io_ticks", "queue_ticks", "read_ticks",
	"write_ticks", "reads_merged_per_sec", "writes_merged_per_sec", "reads_per_sec", "writes_per_sec", "read_size_per_sec",
	"write_size_per_sec", "avg_request_size", "queue_size", "await", "read_await", "write_await", "throughput", "service_time",
	"util", "hist_count", "hist_count_bounds", "hist_count_ranges", "hist_percent", "hist_percent_bounds", "hist_percent_ranges",
	"interval_ns", "interval", "region_id", "region_start", "region_len", "area_id", "area_start", "area_len", "area_offset",
	"area_count", "group_id", "program_id", "user_data", "precise", "hist_bins", "hist_bounds", "hist_ranges", "stats_name", "obj_type",
}

// isField compares names of fields: case and underscores do not matter.
func isField(a, b string) bool {
	return strings.EqualFold(strings.ReplaceAll(a, "_", ""), strings.ReplaceAll(b, "_", ""))
}

func number[T int | int32 | uint32](n T) (string, error) { return strconv.FormatInt(int64(n), 10), nil }

func mangledForm(name string) string {
	m, _ := kernel.Mangle(kernel.Unmangle(name), kernel.MangleHex) // which refuses nothing
	return m
}

func readAheadField(t *tool, r *row) (string, error) {
	sectors, err := t.readAhead(r.info)
	if err != nil {
		t.sayf("%v", err)
	}
	return strconv.FormatUint(sectors, 10), nil
}

func blockNameField(t *tool, r *row) (string, error) {
	name := t.blockName(r.info.DevNo)
	if name == "" {
		return "", failf("Could not resolve block device name for %s.", numberOfDevice(r.info.DevNo))
	}
	return name, nil
}

func blockNamesField(t *tool, r *row) (string, error) {
	var names []string
	for _, devno := range r.used {
		name := t.blockName(devno)
		if name == "" {
			return "", failf("Could not resolve block device name for %s.", numberOfDevice(devno))
		}
		names = append(names, name)
	}
	return strings.Join(names, ","), nil
}

func (t *tool) namesOf(nodes []*node) string {
	var names []string
	for _, n := range nodes {
		if n.mapped {
			names = append(names, t.show(n.info.Name))
		}
	}
	return strings.Join(names, ",")
}

func devnosOf(nodes []*node) (list []uint64) {
	for _, n := range nodes {
		list = append(list, n.devno)
	}
	return list
}

func numbersOf(devnos []uint64) string {
	var numbers []string
	for _, devno := range devnos {
		numbers = append(numbers, numberOfDevice(devno))
	}
	return strings.Join(numbers, ",")
}

func attributes(info kernel.Info) string {
	return choose(info.HasLiveTable(), "L", "-") + choose(info.HasInactiveTable(), "I", "-") +
		choose(info.Suspended(), "s", "-") + choose(info.ReadOnly(), "r", "w")
}

func tablesLoaded(info kernel.Info) string {
	switch live, staged := info.HasLiveTable(), info.HasInactiveTable(); {
	case live && staged:
		return "Both"
	case live:
		return "Live"
	case staged:
		return "Inactive"
	}
	return "None"
}
