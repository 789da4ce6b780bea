package bench

import "context"

// group is a set of workloads that a user asks for by name.
type group struct {
	name  string
	loops func() ([]loop, error)                             // nil: none
	jobs  func(ctx context.Context, f *files) ([]job, error) // nil: none
	goals []goal
}

// groups lists what can be measured. A new engine adds its line here and its
// contestants in a file of its own.
func groups() []group {
	return []group{
		{"crypt", cryptLoops, cryptJobs, cryptGoals()},
		{"verity", verityLoops, verityJobs, verityGoals},
		{"fec", fecLoops, fecJobs, fecGoals},
		{"luks", nil, luksJobs, luksGoals},
	}
}

func (g group) run(ctx context.Context, o *Options, report *Report) error {
	if g.loops != nil {
		if err := g.runLoops(ctx, o, report); err != nil {
			return err
		}
	}
	if g.jobs == nil {
		return nil
	}
	if o.Program == "" {
		report.Missing = append(report.Missing, g.name+" commands on files: no dmimg executable was named")
		return nil
	}
	return g.runJobs(ctx, o, report)
}

func (g group) runLoops(ctx context.Context, o *Options, report *Report) error {
	loops, err := g.loops()
	if err != nil {
		return err
	}
	for _, l := range loops {
		o.Progress(l.name)
		l.lacks = func(what string) { report.Missing = appendNew(report.Missing, what) }
		rows, err := l.measure(ctx, o.Rounds)
		if err != nil {
			return err
		}
		report.Rows = append(report.Rows, rows...)
	}
	return nil
}

func (g group) runJobs(ctx context.Context, o *Options, report *Report) (err error) {
	f, err := newFiles(o)
	if err != nil {
		return err
	}
	defer f.removeAll(&err)
	o.Progress(g.name + ": making files")
	jobs, err := g.jobs(ctx, f)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		o.Progress(j.name)
		rows, err := j.measure(ctx, o.Pairs)
		if err != nil {
			return err
		}
		report.Rows = append(report.Rows, rows...)
	}
	report.Missing = appendNew(report.Missing, f.missing...)
	return nil
}

// relate fills the ratios of a workload's rows from its baseline row.
func relate(rows []Row) []Row {
	for _, base := range rows {
		if !base.Baseline {
			continue
		}
		for i := range rows {
			r := &rows[i]
			r.CPURatio = quotient(base.CPUSeconds/float64(base.Bytes), r.CPUSeconds/float64(r.Bytes))
			r.WallRatio = quotient(base.WallSeconds/float64(base.Bytes), r.WallSeconds/float64(r.Bytes))
		}
		break
	}
	return rows
}

func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
