package tables

// MultipathPath is one path of a [MultipathGroup].
type MultipathPath struct {
	Device string   `json:"device"`
	Args   []string `json:"args,omitempty"` // words for the selector; equally many for every path of a group
}

// MultipathGroup is a set of paths that are used together.
type MultipathGroup struct {
	PathSelector string          `json:"path_selector"` // "round-robin", "queue-length", "service-time", …
	SelectorArgs []string        `json:"selector_args,omitempty"`
	Paths        []MultipathPath `json:"paths"`
}

// MultipathTable uses several paths to the same data. Line:
// <#feat> <feat>... <#hw> <hw...> <#groups> <first group> { <selector>
// <#args> <args> <#paths> <#args per path> { <dev> <args> }... }....
type MultipathTable struct {
	Start      uint64           `json:"start_bytes"`        // bytes
	Length     uint64           `json:"length_bytes"`       // bytes
	Features   []string         `json:"features,omitempty"` // see Options
	HWHandler  string           `json:"hw_handler"`         // "alua"; "0" (or "") for none; a number is the count of HWArgs, which then start with the name
	HWArgs     []string         `json:"hw_args,omitempty"`
	FirstGroup uint64           `json:"first_group"` // index of the group to try first, from 0 (the line counts from 1)
	PathGroups []MultipathGroup `json:"path_groups,omitempty"`
}

// MultipathOptions are the feature words of a [MultipathTable].
type MultipathOptions struct {
	QueueIfNoPath           bool
	RetainAttachedHWHandler bool
	PGInitRetries           uint64 // 1 to 50; 0: not given
	PGInitDelay             uint64 // milliseconds
	QueueMode               string // "bio", "rq" or "mq"; "": not given, which is rq
}

var multipathOptions = grammar[MultipathOptions]{target: "multipath", field: "features", options: []option[MultipathOptions]{
	{name: "queue_if_no_path", set: toggle(func(o *MultipathOptions) *bool { return &o.QueueIfNoPath })},
	{name: "retain_attached_hw_handler", set: toggle(func(o *MultipathOptions) *bool { return &o.RetainAttachedHWHandler })},
	{name: "pg_init_retries", values: 1, set: numeric(func(o *MultipathOptions) *uint64 { return &o.PGInitRetries }, 1, 50)},
	{name: "pg_init_delay_msecs", values: 1, set: numeric(func(o *MultipathOptions) *uint64 { return &o.PGInitDelay }, 0, 60000)},
	{name: "queue_mode", values: 1, set: choice(func(o *MultipathOptions) *string { return &o.QueueMode }, "bio", "rq", "mq")},
}}

// Options reads the feature words.
func (t MultipathTable) Options() (MultipathOptions, error) {
	var o MultipathOptions
	err := multipathOptions.parse(&o, t.Features)
	return o, err
}

func (t MultipathTable) start() uint64      { return t.Start }
func (t MultipathTable) length() uint64     { return t.Length }
func (t MultipathTable) targetType() string { return "multipath" }
func (t MultipathTable) value() Table       { return t }

func (t MultipathTable) devices() []string {
	var ds []string
	for _, g := range t.PathGroups {
		for _, p := range g.Paths {
			ds = append(ds, p.Device)
		}
	}
	return ds
}

// maxMultipathWords is the kernel's limit of feature words.
const maxMultipathWords = 8

func (t MultipathTable) params() (string, error) {
	b := builder{target: "multipath"}
	_, err := t.Options()
	b.check(err)
	b.limit("features", t.Features, maxMultipathWords)
	b.group("features", t.Features)
	t.writeHandler(&b)
	b.number(uint64(len(t.PathGroups)))
	switch n := uint64(len(t.PathGroups)); {
	case t.FirstGroup < n:
		b.number(t.FirstGroup + 1)
	case t.FirstGroup == 0:
		b.number(0)
	default:
		b.failf("first group", ErrSyntax, "index %d of %d groups", t.FirstGroup, n)
	}
	for _, g := range t.PathGroups {
		g.write(&b)
	}
	return b.done()
}

// writeHandler writes the hardware handler. A number in place of the name is
// what callers write who know the line only: "0", or the count of HWArgs.
func (t MultipathTable) writeHandler(b *builder) {
	n, err := parseNumber(t.HWHandler)
	switch {
	case t.HWHandler == "" || err == nil:
		if n != uint64(len(t.HWArgs)) {
			b.failf("hardware handler", ErrSyntax, "the count %d does not fit the %d arguments", n, len(t.HWArgs))
		}
		if len(t.HWArgs) > 0 {
			b.check(checkHandler(t.HWArgs[0]))
		}
		b.group("hardware handler", t.HWArgs)
	default:
		b.number(uint64(len(t.HWArgs)) + 1)
		b.word("hardware handler", t.HWHandler)
		b.list("hardware handler", t.HWArgs)
	}
}

// checkHandler refuses a number as the name of a handler.
func checkHandler(name string) error {
	if _, err := parseNumber(name); err == nil {
		return locate("multipath", "hardware handler", &finding{ErrSyntax, name, "a name"})
	}
	return nil
}

func (g MultipathGroup) write(b *builder) {
	b.word("path selector", g.PathSelector)
	b.group("selector args", g.SelectorArgs)
	if len(g.Paths) == 0 {
		b.failf("paths", ErrSyntax, "a path group without a path")
		return
	}
	perPath := len(g.Paths[0].Args)
	b.number(uint64(len(g.Paths)))
	b.number(uint64(perPath))
	for _, p := range g.Paths {
		if len(p.Args) != perPath {
			b.failf("path args", ErrSyntax, "the paths of a group have %d and %d words, want equally many", perPath, len(p.Args))
		}
		b.word("device", p.Device)
		b.list("path args", p.Args)
	}
}

func parseMultipath(start, length uint64, r *reader) Table {
	t := MultipathTable{Start: start, Length: length, HWHandler: "0"}
	t.Features = r.group("features", maxMultipathWords)
	_, err := t.Options()
	r.check(err)
	if handler := r.group("hardware handler", noLimit); len(handler) > 0 {
		t.HWHandler = handler[0]
		t.HWArgs = handler[1:len(handler):len(handler)]
		if len(t.HWArgs) == 0 {
			t.HWArgs = nil
		}
		r.check(checkHandler(t.HWHandler))
	}
	groups, first := r.number("path groups"), r.number("first group")
	if r.err == nil && (first > groups || (first == 0) != (groups == 0)) {
		r.failf("first group", ErrSyntax, "found %d of %d groups", first, groups)
	}
	if first > 0 {
		t.FirstGroup = first - 1
	}
	for ; groups > 0 && r.err == nil; groups-- {
		t.PathGroups = append(t.PathGroups, readPathGroup(r))
	}
	return t
}

func readPathGroup(r *reader) MultipathGroup {
	g := MultipathGroup{PathSelector: r.word("path selector")}
	g.SelectorArgs = r.group("selector args", noLimit)
	paths, perPath := r.number("paths"), r.number("path args")
	if r.err == nil && paths == 0 {
		r.failf("paths", ErrSyntax, "a path group without a path")
	}
	for ; paths > 0 && r.err == nil; paths-- {
		g.Paths = append(g.Paths, MultipathPath{Device: r.word("device"), Args: r.take("path args", perPath)})
	}
	return g
}
