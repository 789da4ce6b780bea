package guest

import (
	"bytes"
	"fmt"
	"io"
	"time"
)

// mark begins a line of /init among the output of commands. The first byte is the
// record separator of ASCII, which test output does not have.
const mark = "\x1eLAB: "

// WriteBegin says that the command with this index starts.
func WriteBegin(w io.Writer, index int) error {
	_, err := fmt.Fprintf(w, "%sbegin %d\n", mark, index)
	return err
}

// WriteEnd says that the command with this index is over.
func WriteEnd(w io.Writer, index, exit int, elapsed time.Duration) error {
	_, err := fmt.Fprintf(w, "%send %d %d %d\n", mark, index, exit, elapsed.Microseconds())
	return err
}

// Outcome is what became of one command.
type Outcome struct {
	// Started and Ended say how far it got.
	Started, Ended bool
	// Exit is the exit status, 128 and the signal if one ended it, 127 if it could
	// not be started. It is valid if Ended is set.
	Exit int
	// Elapsed is the time by the guest's clock.
	Elapsed time.Duration
	// Output is what it wrote to standard output and standard error.
	Output []byte
}

// ParseOutput takes apart what /init and count commands wrote to the port. What
// does not follow the form is taken as output of the command that was running.
func ParseOutput(stream []byte, count int) []Outcome {
	outcomes := make([]Outcome, count)
	current := -1
	for len(stream) > 0 {
		at := bytes.Index(stream, []byte(mark))
		if at < 0 {
			at = len(stream)
		}
		if current >= 0 {
			outcomes[current].Output = append(outcomes[current].Output, stream[:at]...)
		}
		if stream = stream[at:]; len(stream) == 0 {
			break
		}
		line, rest, whole := bytes.Cut(stream[len(mark):], []byte("\n"))
		next, ours := current, false
		if whole {
			next, ours = applyMark(string(line), outcomes, current)
		}
		if !ours { // a command wrote the bytes of a mark
			rest = stream[len(mark):]
			if current >= 0 {
				outcomes[current].Output = append(outcomes[current].Output, mark...)
			}
		}
		current, stream = next, rest
	}
	return outcomes
}

// applyMark notes one mark in outcomes. It returns the command that runs after it,
// -1 for none; false if the line is not a mark of ours.
func applyMark(line string, outcomes []Outcome, current int) (int, bool) {
	var index, exit int
	var micros int64
	if n, _ := fmt.Sscanf(line, "begin %d", &index); n == 1 && index >= 0 && index < len(outcomes) && current < 0 {
		outcomes[index].Started = true
		return index, true
	}
	if n, _ := fmt.Sscanf(line, "end %d %d %d", &index, &exit, &micros); n == 3 && index == current && index >= 0 {
		o := &outcomes[index]
		o.Ended, o.Exit, o.Elapsed = true, exit, time.Duration(micros)*time.Microsecond
		return -1, true
	}
	return current, false
}

// ConsoleMark begins what /init writes to the kernel's console.
const ConsoleMark = "LAB: "
