package lab

import (
	"regexp"
	"strings"
	"time"
)

// Status is the outcome of a test.
type Status string

// The outcomes. A test that began and has no outcome ended with its program.
const (
	Pass       Status = "pass"
	Fail       Status = "fail"
	Skip       Status = "skip"
	Unfinished Status = "unfinished"
)

// Test is one test, or subtest, that ran inside.
type Test struct {
	// Name is as go test prints it, with "/" before the parts of subtests.
	Name string
	// Status is what became of it.
	Status Status
	// Elapsed is the time it took by the guest's clock, to 10 ms.
	Elapsed time.Duration
	// Output is what it logged: why it failed, or was skipped.
	Output string
}

// testMark begins the lines of package testing itself under -test.v=test2json, and
// nothing else.
const testMark = "\x16"

var (
	testLine   = regexp.MustCompile(`^=== (RUN|CONT|NAME|PAUSE) +(\S*)`)
	resultLine = regexp.MustCompile(`^--- (PASS|FAIL|SKIP): (\S+) \((\d+(?:\.\d+)?)s\)`)
)

// testLog gathers what a test binary wrote.
type testLog struct {
	tests   []Test
	index   map[string]int
	current int // the test that output belongs to, -1 for none
	shown   strings.Builder
}

// parseTests takes the output of a test binary under -test.v=test2json apart. It
// also returns it without the marks.
func parseTests(output string) ([]Test, string) {
	l := testLog{index: map[string]int{}, current: -1}
	for output != "" {
		text, rest, marked := strings.Cut(output, testMark)
		l.write(text)
		if !marked {
			break
		}
		line, after, _ := strings.Cut(rest, "\n")
		used := l.mark(line)
		l.shown.WriteString(line[:used])
		if used == len(line) && len(rest) > len(line) {
			l.shown.WriteString("\n")
			output = after
		} else {
			output = rest[used:] // a panic follows on the same line
		}
	}
	return l.tests, l.shown.String()
}

// write adds output to the current test.
func (l *testLog) write(text string) {
	l.shown.WriteString(text)
	if l.current >= 0 {
		l.tests[l.current].Output += text
	}
}

// mark reads a line of package testing and returns how much of it that is.
func (l *testLog) mark(line string) int {
	if m := testLine.FindStringSubmatch(line); m != nil {
		l.current = -1
		if m[2] != "" {
			l.current = l.find(m[2])
		}
		return len(line)
	}
	m := resultLine.FindStringSubmatch(line)
	if m == nil {
		return len(line) // another of its lines: benchmarks, attributes
	}
	l.current = l.find(m[2])
	t := &l.tests[l.current]
	t.Status = Status(strings.ToLower(m[1]))
	t.Elapsed, _ = time.ParseDuration(m[3] + "s") // the expression allows numbers only
	return len(m[0])
}

// find returns the index of the test with this name.
func (l *testLog) find(name string) int {
	i, ok := l.index[name]
	if !ok {
		i = len(l.tests)
		l.index[name] = i
		l.tests = append(l.tests, Test{Name: name, Status: Unfinished})
	}
	return i
}
