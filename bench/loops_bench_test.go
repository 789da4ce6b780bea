package bench

import (
	"strings"
	"testing"
)

// BenchmarkLoops runs the contestants of every loop, for benchstat:
//
//	go test -run '^$' -bench Loops/aes-256-xts_decrypt -count 10 ./bench
func BenchmarkLoops(b *testing.B) {
	for _, g := range groups() {
		loops, err := g.loops()
		if err != nil {
			b.Fatal(err)
		}
		for _, l := range loops {
			for _, c := range l.contestants {
				if c.call != nil {
					b.Run(benchName(l.name, c.name), func(b *testing.B) { benchmark(b, c) })
				}
			}
		}
	}
}

func benchName(workload, implementation string) string {
	workload = strings.TrimSuffix(workload, ", in memory")
	return strings.NewReplacer(",", "", " ", "_").Replace(workload) +
		"/impl=" + strings.NewReplacer(" ", "-", "/", "-", ",", "").Replace(implementation)
}

func benchmark(b *testing.B, c contestant) {
	b.SetBytes(c.bytes)
	b.ReportAllocs()
	for b.Loop() {
		c.call()
	}
}
