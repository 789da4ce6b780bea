package guest

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// stream is what /init writes for commands with these outputs.
func stream(t *testing.T, outputs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for i, output := range outputs {
		if err := WriteBegin(&b, i); err != nil {
			t.Fatal(err)
		}
		b.WriteString(output)
		if err := WriteEnd(&b, i, i, time.Duration(i)*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestParseOutput(t *testing.T) {
	t.Parallel()
	outputs := []string{"one\n", "", "no newline", "a \x1eLAB: mark\nof its own \x1eLAB: end 7 7 7\n", "\x1eLAB: "}
	for i, o := range ParseOutput(stream(t, outputs...), len(outputs)) {
		if !o.Started || !o.Ended || o.Exit != i || o.Elapsed != time.Duration(i)*time.Millisecond {
			t.Errorf("command %d: %+v", i, o)
		}
		if string(o.Output) != outputs[i] {
			t.Errorf("command %d: output %q, want %q", i, o.Output, outputs[i])
		}
	}
}

// TestParseOutputCut cuts the stream at each byte: nothing is reported that did not
// happen.
func TestParseOutputCut(t *testing.T) {
	t.Parallel()
	whole := stream(t, "first\n", "second\n")
	ended := 0
	for n := range whole {
		o := ParseOutput(whole[:n], 2)
		if o[1].Ended || o[1].Started && !o[0].Ended {
			t.Fatalf("after %d of %d bytes: %+v", n, len(whole), o)
		}
		if !strings.HasPrefix("first\n", string(o[0].Output)) && !bytes.Contains(o[0].Output, []byte("\x1e")) {
			t.Fatalf("after %d bytes: output %q", n, o[0].Output)
		}
		if o[0].Ended {
			ended++
		}
	}
	if ended == 0 {
		t.Error("the first command never ended")
	}
}

func TestParseOutputForeign(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "noise", mark, mark + "begin 5\nx", mark + "begin -1\n", mark + "end 0 0 0\n", mark + "end 9999999999999999999 0 0\n"} {
		for _, o := range ParseOutput([]byte(text), 2) {
			if o.Started || o.Ended || o.Output != nil {
				t.Errorf("%q: %+v", text, o)
			}
		}
	}
}

func FuzzParseOutput(f *testing.F) {
	f.Add([]byte(mark + "begin 0\nx" + mark + "end 0 1 2\n"))
	f.Add([]byte(mark + "begin 0\n" + mark + "begin 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		for _, o := range ParseOutput(data, 3) {
			total += len(o.Output)
			if o.Ended && !o.Started {
				t.Errorf("ended and never started: %+v", o)
			}
		}
		if total > len(data) {
			t.Errorf("%d bytes of output from %d", total, len(data))
		}
	})
}
