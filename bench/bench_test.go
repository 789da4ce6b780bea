package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestRunInMemory runs every loop for two slices: each must give a plausible row
// for every contestant, and ratios where there is a baseline.
func TestRunInMemory(t *testing.T) {
	t.Parallel()
	var named []string
	report, err := Run(t.Context(), Options{Rounds: 2, Progress: func(w string) { named = append(named, w) }})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if len(report.workloads()) != len(named) || len(named) < 7 {
		t.Errorf("workloads: %d in the report, %d announced, want the same and at least 7", len(report.workloads()), len(named))
	}
	without := 0
	for _, line := range report.Missing {
		if strings.Contains(line, "no dmimg executable") {
			without++
		}
	}
	if without != len(Groups()) {
		t.Errorf("Missing without a program: %q, want a line for each of %q", report.Missing, Groups())
	}
	for _, rows := range report.workloads() {
		checkRows(t, rows)
	}
}

func checkRows(t *testing.T, rows []Row) {
	t.Helper()
	ours, baselines := 0, 0
	for _, row := range rows {
		if row.GBPerSecond <= 0 || row.CPUSeconds <= 0 || row.Bytes <= 0 {
			t.Errorf("%s: %s: not all of rate, time and bytes are positive: %+v", row.Workload, row.Implementation, row)
		}
		if row.CPURatio <= 0 {
			t.Errorf("%s: %s: no ratio to the baseline", row.Workload, row.Implementation)
		}
		if !row.Peer {
			ours++
		}
		if row.Baseline {
			baselines++
			if row.CPURatio != 1 {
				t.Errorf("%s: the baseline's ratio to itself is %v, want 1", row.Workload, row.CPURatio)
			}
		}
	}
	if ours == 0 || baselines != 1 {
		t.Errorf("%s: %d rows of ours and %d baselines, want at least one and exactly one", rows[0].Workload, ours, baselines)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		o    Options
		want string
	}{
		"unknown group":  {t.Context(), Options{Groups: []string{"verity", "paint"}}, `group "paint" is unknown: want one of crypt, verity, fec, luks`},
		"ragged size":    {t.Context(), Options{Size: SizeUnit + 1}, "not a positive multiple"},
		"negative size":  {t.Context(), Options{Size: -SizeUnit}, "not a positive multiple"},
		"negative pairs": {t.Context(), Options{Pairs: -1}, "negative"},
		"cancelled":      {cancelled, Options{}, context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Run(c.ctx, c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Run(%+v): got error %v, want one with %q", c.o, err, c.want)
			}
		})
	}
}

func TestRelate(t *testing.T) {
	t.Parallel()
	rows := relate([]Row{
		{Implementation: "ours", Bytes: 200, WallSeconds: 1, CPUSeconds: 2},
		{Implementation: "peer", Bytes: 100, WallSeconds: 2, CPUSeconds: 2, Baseline: true},
		{Implementation: "loop", Bytes: 100, CPUSeconds: 8},
	})
	for i, want := range []struct{ wall, cpu float64 }{{4, 2}, {1, 1}, {0, 0.25}} {
		if got := rows[i]; got.WallRatio != want.wall || got.CPURatio != want.cpu {
			t.Errorf("%s: got wall ratio %v and CPU ratio %v, want %+v", got.Implementation, got.WallRatio, got.CPURatio, want)
		}
	}
}

// sample is a report with the awkward parts: no wall time, no baseline, text that
// XML must escape.
func sample() *Report {
	load, reached, missed := 0.25, 4.0, 61.0
	return &Report{
		Date: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), CPU: "A<B>", Cores: 2, OS: "linux", Arch: "amd64", Go: "go1.26",
		Load: &load, Size: 1 << 30, Dir: "/files", Pairs: 3, Rounds: 40,
		Goals: []Goal{
			{
				Name: "one, CPU", Workload: "one & two", Implementation: "ours", Peer: "theirs", Measure: cpuRatio.name,
				Required: 2.5, Stretch: 5, Measured: &reached, Verdict: VerdictMet,
			},
			{Name: "two, extra", Measure: extraCPU.name, AtMost: true, Required: 60, Stretch: 35, Measured: &missed, Verdict: VerdictNotMet},
			{Name: "update", Measure: cpuRatio.name, Required: 30, Verdict: VerdictMissing},
		},
		Rows: []Row{
			{Workload: "one & two", Implementation: "ours", Bytes: 1e9, CPUSeconds: 0.5, GBPerSecond: 2, CPURatio: 4},
			{Workload: "one & two", Implementation: "theirs", Peer: true, Baseline: true, Bytes: 1e9, CPUSeconds: 2, GBPerSecond: 0.5, CPURatio: 1},
			{Workload: "files", Implementation: "ours", Bytes: 1e9, WallSeconds: 0.25, CPUSeconds: 0.5, GBPerSecond: 4, PeakBytes: 20 << 20},
		},
		Missing: []string{"nothing: not found"},
	}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	const want = `A<B>, 2 cores, linux/amd64, go1.26, load 0.2 before

one & two
  implementation       GB/s   CPU-s per GB   CPU ratio
  ours                 2.00          0.500       4.00x
  theirs (baseline)   0.500           2.00       1.00x

files
  implementation   GB/s   wall s   CPU-s per GB   peak MiB
  ours             4.00    0.250          0.500       20.0

  goal         measured   required   stretch        verdict
  one, CPU        4.00x       2.5x        5x            met
  two, extra       61 %     ≤ 60 %    ≤ 35 %        not met
  update              –        30x             not measured

not measured: nothing: not found
`
	var out bytes.Buffer
	if err := sample().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("WriteText: got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestWriteMarkdown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sample().WriteMarkdown(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"## one & two\n\n| implementation |", "| theirs (baseline) | 0.500 |", "2026-11-22, load 0.2 before", "Files of 1024 MiB are in /files, cached. Best of 3 turns",
		"| one, CPU | 4.00x | 2.5x | 5x | met |\n", "| update | – | 30x |  | not measured |\n", "Not measured: nothing: not found",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("WriteMarkdown: no %q in\n%s", want, out.String())
		}
	}
}

func TestWriteReportsWriterErrors(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(io.Writer) error{
		"text": sample().WriteText, "markdown": sample().WriteMarkdown, "svg": sample().WriteSVG,
	} {
		if err := write(fullWriter{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%s to a full writer: got error %v, want %v", name, err, io.ErrShortWrite)
		}
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestReportJSON(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"rows":[{"workload":"one \u0026 two"`, `"gb_per_second":2`, `"baseline":true`, `"missing":[`,
		`"measured":4,"verdict":"met"`, `"stretch":0,"measured":null,"verdict":"not measured"`, `"load":0.25`, `"peak_bytes":20971520`,
	} {
		if !bytes.Contains(raw, []byte(want)) {
			t.Errorf("JSON: no %s in %s", want, raw)
		}
	}
}

func TestParseOpensslSpeed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		out  string
		want float64
		fail bool
	}{
		"one size":   {"+H:4096\n+F:25:AES-256-XTS:5721652751.52\n", 5721652751.52, false},
		"no figure":  {"+H:4096\n", 0, true},
		"not number": {"+F:25:AES-256-XTS:fast\n", 0, true},
		"zero":       {"+F:25:AES-256-XTS:0\n", 0, true},
		"empty":      {"", 0, true},
	} {
		got, err := parseOpensslSpeed([]byte(c.out))
		if got != c.want || (err != nil) != c.fail {
			t.Errorf("%s: %q: got %v, error %v; want %v, failure %v", name, c.out, got, err, c.want, c.fail)
		}
	}
}
