package tables

// MultipathPathStatus is one path of a [MultipathGroupStatus].
type MultipathPathStatus struct {
	Device    string   `json:"device"`         // major:minor
	State     string   `json:"state"`          // "A" active or "F" failed
	FailCount uint64   `json:"fail_count"`     // failures since the table was loaded
	Info      []string `json:"info,omitempty"` // the selector's words; equally many for every path of a group
}

// MultipathGroupStatus is one group of paths of a [MultipathStatus].
type MultipathGroupStatus struct {
	State    string                `json:"state"`              // "A" in use, "E" enabled, "D" disabled
	Selector []string              `json:"selector,omitempty"` // the selector's words about the group
	Paths    []MultipathPathStatus `json:"paths"`
}

// MultipathStatus is the status of a multipath target.
type MultipathStatus struct {
	StatusHeader
	QueueIO      uint64                 `json:"queue_io"`             // 1: requests wait, there is no path
	PGInits      uint64                 `json:"pg_inits"`             // initialisations of path groups
	Features     []string               `json:"features,omitempty"`   // words that the kernel counts together with the two
	HWHandler    []string               `json:"hw_handler,omitempty"` // the hardware handler's words
	CurrentGroup uint64                 `json:"current_group"`        // as the kernel counts, from 1; 0: there is no group
	PathGroups   []MultipathGroupStatus `json:"path_groups,omitempty"`
}

func (MultipathStatus) targetType() string { return "multipath" }

// multipathFeatures are the words of the first group that have fields.
const multipathFeatures = 2

func (s MultipathStatus) write(w *statusWriter) {
	w.numbers(uint64(len(s.Features))+multipathFeatures, s.QueueIO, s.PGInits)
	w.list("features", s.Features)
	w.group("hardware handler", s.HWHandler)
	w.numbers(uint64(len(s.PathGroups)), s.CurrentGroup)
	for _, g := range s.PathGroups {
		g.write(w)
	}
	w.closed = true
}

func (g MultipathGroupStatus) write(w *statusWriter) {
	w.word("group state", g.State)
	w.group("selector", g.Selector)
	info := 0
	if len(g.Paths) > 0 {
		info = len(g.Paths[0].Info)
	}
	w.numbers(uint64(len(g.Paths)), uint64(info))
	for _, p := range g.Paths {
		if len(p.Info) != info && w.err == nil {
			w.err = failf(w.target, "path info", ErrSyntax, "the paths of a group have %d and %d words, want equally many", info, len(p.Info))
		}
		w.word("device", p.Device)
		w.word("path state", p.State)
		w.number(p.FailCount)
		w.list("path info", p.Info)
	}
}

func parseMultipathStatus(h StatusHeader, r *reader) Status {
	var s MultipathStatus
	n := r.number("features")
	if r.err == nil && n < multipathFeatures {
		r.failf("features", ErrSyntax, "the count says %d words, want at least %d", n, multipathFeatures)
	}
	s.QueueIO, s.PGInits = r.number("queued requests"), r.number("path group initialisations")
	s.Features = r.take("features", n-multipathFeatures)
	s.HWHandler = r.group("hardware handler", noLimit)
	groups := r.number("path groups")
	s.CurrentGroup = r.number("current group")
	for ; groups > 0 && r.err == nil; groups-- {
		s.PathGroups = append(s.PathGroups, readGroupStatus(r))
	}
	s.StatusHeader = r.tail(h)
	return s
}

func readGroupStatus(r *reader) MultipathGroupStatus {
	g := MultipathGroupStatus{State: r.word("group state")}
	g.Selector = r.group("selector", noLimit)
	paths, info := r.number("paths"), r.number("path info")
	if r.err == nil && paths == 0 && info != 0 {
		r.failf("path info", ErrSyntax, "%d words for each of no paths", info)
	}
	for ; paths > 0 && r.err == nil; paths-- {
		p := MultipathPathStatus{Device: r.word("device"), State: r.word("path state"), FailCount: r.number("fail count")}
		p.Info = r.take("path info", info)
		g.Paths = append(g.Paths, p)
	}
	return g
}
