package bench

import (
	"math"
	"strings"
	"testing"
)

func TestGoalReached(t *testing.T) {
	t.Parallel()
	rows := []Row{
		{Workload: "w", Implementation: "theirs 2.6", Peer: true, Bytes: 100, WallSeconds: 6, CPUSeconds: 5},
		{Workload: "w", Implementation: "ours", Bytes: 200, WallSeconds: 3, CPUSeconds: 4, PeakBytes: 40 << 20},
		{Workload: "w", Implementation: "ours with more", Bytes: 200, CPUSeconds: 5},
		{Workload: "part", Implementation: "ours", Bytes: 100, CPUSeconds: 1.5},
	}
	for name, c := range map[string]struct {
		goal     goal
		measured float64 // 0: none
		verdict  string
	}{
		"not met":           {goal{"", cpuRatio, 2.6, 3, side{"w", ""}, side{"w", "theirs"}}, 2.5, VerdictNotMet},
		"met":               {goal{"", cpuRatio, 2.4, 2.8, side{"w", ""}, side{"w", "theirs"}}, 2.5, VerdictMet},
		"exactly":           {goal{"", cpuRatio, 2, 2.5, side{"w", ""}, side{"w", "theirs"}}, 2.5, VerdictStretch},
		"no stretch":        {goal{"", cpuRatio, 2, 0, side{"w", ""}, side{"w", "theirs"}}, 2.5, VerdictMet},
		"wall":              {goal{"", wallRatio, 4, 5.5, side{"w", ""}, side{"w", "theirs"}}, 4, VerdictMet},
		"extra":             {goal{"", extraCPU, 60, 35, side{"w", "ours with"}, side{"w", "ours"}}, 25, VerdictStretch},
		"extra, too much":   {goal{"", extraCPU, 20, 10, side{"w", "ours with"}, side{"w", "ours"}}, 25, VerdictNotMet},
		"share":             {goal{"", cpuShare, 65, 80, side{"w", ""}, side{"part", ""}}, 75, VerdictMet},
		"peak":              {goal{"", peak, 64, 32, side{"w", ""}, side{}}, 40, VerdictMet},
		"no peer here":      {goal{"", cpuRatio, 1, 1, side{"w", ""}, side{"w", "nobody"}}, 0, VerdictMissing},
		"none of ours":      {goal{"", cpuRatio, 1, 1, side{"absent", ""}, side{"w", "theirs"}}, 0, VerdictMissing},
		"a row has no wall": {goal{"", wallRatio, 1, 1, side{"w", "ours with"}, side{"w", "theirs"}}, 0, VerdictMissing},
		"memory unknown":    {goal{"", peak, 64, 32, side{"part", ""}, side{}}, 0, VerdictMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.goal.reached(rows)
			if got.Verdict != c.verdict || (got.Measured == nil) != (c.measured == 0) {
				t.Fatalf("got verdict %q, measured %v; want %q, %v", got.Verdict, got.Measured, c.verdict, c.measured)
			}
			if got.Measured != nil && math.Abs(*got.Measured-c.measured) > 1e-9 {
				t.Errorf("measured %v, want %v", *got.Measured, c.measured)
			}
		})
	}
}

// checkPlannedGoals demands that each goal finds the rows it speaks of.
func checkPlannedGoals(t *testing.T, all map[string]plan) {
	goals := 0
	for group, p := range all {
		for _, g := range p.goals {
			goals++
			if g.Verdict == VerdictMissing {
				t.Errorf("%s: goal %q: no rows for it in %s", group, g.Name, p.names())
			}
			if strings.Contains(g.Name, "vs ") && g.Peer == "" {
				t.Errorf("%s: goal %q names no peer", group, g.Name)
			}
		}
	}
	if goals < 15 {
		t.Errorf("%d goals, want those of the verity and of the FEC engine", goals)
	}
}

// checkGoalsWithoutPeers demands that what cannot be compared is said to be missing.
func checkGoalsWithoutPeers(t *testing.T, all map[string]plan) {
	for group, p := range all {
		for _, g := range p.goals {
			if strings.Contains(g.Name, "veritysetup") && g.Verdict != VerdictMissing {
				t.Errorf("%s: goal %q without veritysetup: %q", group, g.Name, g.Verdict)
			}
		}
	}
}
