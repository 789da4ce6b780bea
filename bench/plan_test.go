package bench

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// plan is what a group would measure, each row with the same figures.
type plan struct {
	rows    []Row
	goals   []Goal
	missing []string
}

func (p plan) names() string {
	var names []string
	for _, row := range p.rows {
		names = append(names, row.Workload+": "+row.Implementation)
	}
	return strings.Join(names, "; ")
}

// findAll finds every peer: it is the test program, see TestMain.
func findAll(string) (string, error) { return os.Executable() }

func findNone(string) (string, error) { return "", errors.New("not here") }

// plans makes the loops and jobs of every group without running them. The test
// program stands for dmimg where files must be made.
func plans(t *testing.T, look func(string) (string, error)) map[string]plan {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]plan{}
	for _, g := range groups() {
		f, err := newFiles(&Options{Dir: t.TempDir(), Size: SizeUnit, Program: self})
		if err != nil {
			t.Fatal(err)
		}
		f.look = look
		var loops []loop
		if g.loops != nil {
			if loops, err = g.loops(); err != nil {
				t.Fatalf("loops of %s: %v", g.name, err)
			}
		}
		jobs, err := g.jobs(t.Context(), f)
		if err != nil {
			t.Fatalf("jobs of %s: %v", g.name, err)
		}
		var p plan
		for _, l := range loops {
			for _, c := range l.contestants {
				wall := 0.0
				if l.wall {
					wall = 1
				}
				p.rows = append(p.rows, planned(l.name, c.name, c.peer, c.baseline, wall))
			}
		}
		for _, j := range jobs {
			for _, c := range j.commands {
				p.rows = append(p.rows, planned(j.name, c.name, c.peer, c.baseline, 1))
			}
		}
		for _, goal := range g.goals {
			p.goals = append(p.goals, goal.reached(p.rows))
		}
		p.missing = f.missing
		all[g.name] = p
	}
	return all
}

// planned is a row that took some time, not the same for any two names, and memory.
func planned(workload, implementation string, peer, baseline bool, wall float64) Row {
	cpu := float64(len(implementation))
	return Row{
		Workload: workload, Implementation: implementation, Peer: peer, Baseline: baseline, Bytes: 1,
		WallSeconds: wall, CPUSeconds: cpu, GBPerSecond: 1, PeakBytes: 1 << 20,
	}
}

// TestPlan looks at what would be measured on a machine with all peers, and
// TestPlanWithoutPeers on one with none.
func TestPlan(t *testing.T) {
	t.Parallel()
	all := plans(t, findAll)
	t.Run("rows", func(t *testing.T) { checkPlannedRows(t, all) })
	t.Run("goals", func(t *testing.T) { checkPlannedGoals(t, all) })
	t.Run("picture", func(t *testing.T) { checkPicture(t, all) })
}

func TestPlanWithoutPeers(t *testing.T) {
	t.Parallel()
	all := plans(t, findNone)
	t.Run("missing", func(t *testing.T) { checkMissing(t, all) })
	t.Run("goals", func(t *testing.T) { checkGoalsWithoutPeers(t, all) })
}

// checkPlannedRows holds the workloads and their contestants.
func checkPlannedRows(t *testing.T, all map[string]plan) {
	for _, c := range []struct {
		group, workload string
		want            []string // beginnings of names, in any order
	}{
		{"verity", hash4096, []string{"dmimg generic", "crypto/sha256"}},
		{"verity", hash512, []string{"dmimg generic", "crypto/sha256"}},
		{"verity", formatWhole, []string{"dmimg --jobs 1", "veritysetup", "go-dmverity", "hcsshim", "plain Go loop"}},
		{"verity", verifyWhole, []string{"dmimg --jobs 1", "veritysetup", "go-dmverity"}},
		{"verity", formatSmall, []string{"dmimg --jobs 1", "veritysetup", "go-dmverity"}},
		{"verity", updatePart, []string{"dmimg verity update", "dmimg verity format"}},
		{"fec", encode2, []string{"dmimg", "plain Go"}},
		{"fec", encode24, []string{"dmimg", "plain Go"}},
		{"fec", formatFEC2, []string{"dmimg --jobs 1", "veritysetup"}},
		{"fec", formatFEC24, []string{"dmimg --jobs 1", "veritysetup"}},
		{"fec", formatBoth, []string{withoutFEC, withFEC2, withFEC24}},
		{"crypt", xts4096, []string{"dmimg generic", "golang.org/x/crypto/xts", "OpenSSL EVP", "limit of C"}},
		{"crypt", xts512, []string{"dmimg generic", "golang.org/x/crypto/xts", "OpenSSL EVP", "limit of C"}},
		{"crypt", serpentXTS, []string{"dmimg"}},
		{"crypt", camelliaXTS, []string{"dmimg"}},
		{"crypt", twofishXTS, []string{"dmimg", "golang.org/x/crypto/twofish"}},
		{"crypt", decryptFile, []string{"dmimg --jobs 1", "copy loop", "dd"}},
		{"luks", luksDecrypt, []string{"dmimg --jobs 1"}},
		{"luks", luksOpen, []string{"dmimg"}},
		{"luks", luksSHA512, []string{"dmimg"}},
		{"luks", luksArgon, []string{"dmimg"}},
		{"crypt", readAt64, []string{"dmimg, all cores", "dmimg, one core"}},
		{"crypt", readAtSerpent, []string{"dmimg, all cores", "dmimg, one core"}},
	} {
		baselines := 0
		for _, row := range all[c.group].rows {
			if row.Workload == c.workload && row.Baseline {
				baselines++
			}
		}
		for _, want := range c.want {
			if _, found := (side{c.workload, want}).find(all[c.group].rows); !found {
				t.Errorf("%s: no row %q", c.workload, want)
			}
		}
		if baselines != 1 {
			t.Errorf("%s: %d baselines, want 1", c.workload, baselines)
		}
	}
	if missing := all["verity"].missing; len(missing) != 0 {
		t.Errorf("missing although all peers are there: %q", missing)
	}
}

func checkMissing(t *testing.T, all map[string]plan) {
	for group, peers := range map[string][]string{
		"verity": {"veritysetup", "go-dmverity", "go-loop", "hcsshim"},
		"fec":    {"veritysetup"},
		"crypt":  {"qemu-img", "copy-loop"},
		"luks":   {"qemu-img", "cryptsetup"},
	} {
		missing := all[group].missing
		if len(missing) != len(peers) {
			t.Errorf("%s: missing %q, want a line for each of %q", group, missing, peers)
		}
		for _, peer := range peers {
			if !slices.ContainsFunc(missing, func(line string) bool { return strings.Contains(line, peer) && strings.Contains(line, "not found") }) {
				t.Errorf("%s: no line about %s in %q", group, peer, missing)
			}
		}
		for _, row := range all[group].rows {
			if row.Peer && strings.Contains(row.Workload, "verity format") {
				t.Errorf("%s: %s: a peer that was not found", row.Workload, row.Implementation)
			}
		}
	}
}
