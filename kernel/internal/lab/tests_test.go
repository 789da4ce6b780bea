package lab

import (
	"strings"
	"testing"
	"time"
)

// written is what go1.26 writes under -test.v=test2json, with "^" for the mark.
const written = `^=== RUN   TestA
    x_test.go:3: hello
partial^=== RUN   TestA/s/1
^=== PAUSE TestA/s/1
^=== NAME  TestA
^=== CONT  TestA/s/1
    x_test.go:3: in s1
        line2
^--- FAIL: TestA/s/1 (0.05s)
^--- FAIL: TestA (1.50s)
^=== NAME  
^=== ATTR  TestA k v
^=== RUN   TestC
    x_test.go:5: why
^--- SKIP: TestC (0.00s)
^=== NAME  
^=== RUN   TestD
^--- PASS: TestD (0.00s)
^=== NAME  
FAIL
^=== RUN   TestP
^--- FAIL: TestP (0.00s)panic: boom
goroutine 7
^=== RUN   TestGone
`

func TestParseTests(t *testing.T) {
	t.Parallel()
	tests, shown := parseTests(strings.ReplaceAll(written, "^", testMark))
	if want := strings.ReplaceAll(written, "^", ""); shown != want {
		t.Errorf("shown:\n%s\nwant:\n%s", shown, want)
	}
	want := []Test{
		{"TestA", Fail, 1500 * time.Millisecond, "    x_test.go:3: hello\npartial"},
		{"TestA/s/1", Fail, 50 * time.Millisecond, "    x_test.go:3: in s1\n        line2\n"},
		{"TestC", Skip, 0, "    x_test.go:5: why\n"},
		{"TestD", Pass, 0, ""},
		{"TestP", Fail, 0, "panic: boom\ngoroutine 7\n"},
		{"TestGone", Unfinished, 0, ""},
	}
	if len(tests) != len(want) {
		t.Fatalf("got %d tests, want %d: %+v", len(tests), len(want), tests)
	}
	for i := range want {
		if tests[i] != want[i] {
			t.Errorf("test %d:\n got %+v\nwant %+v", i, tests[i], want[i])
		}
	}
	r := TestResult{Tests: tests}
	if passed, failed, skipped := r.Count(); passed != 1 || failed != 4 || skipped != 1 {
		t.Errorf("counted %d passed, %d failed, %d skipped, want 1, 4, 1", passed, failed, skipped)
	}
}

func FuzzParseTests(f *testing.F) {
	f.Add(strings.ReplaceAll(written, "^", testMark))
	f.Fuzz(func(t *testing.T, output string) {
		tests, shown := parseTests(output)
		if len(shown) > len(output) {
			t.Errorf("%d bytes shown of %d", len(shown), len(output))
		}
		for _, test := range tests {
			if test.Name == "" || test.Status == "" {
				t.Errorf("half a test: %+v", test)
			}
		}
	})
}
