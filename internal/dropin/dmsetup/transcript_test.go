package dmsetup

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// step is one command of a transcript. In testdata/*.txt it is
//
//	$ words of the command line, quoted as for a shell
//	@ 'what stdin holds' words of the command line
//
// and behind it what the real dmsetup did: O| and E| in front of the lines of stdout and
// stderr, and = with the exit status. Where ours differs on purpose, o| and e| have its
// lines instead, and ~ its status.
type step struct {
	line  string
	stdin string
	args  []string
	real  result // of dmsetup
	ours  result // the same, but for what differs on purpose
}

// result is what a command left.
type result struct {
	stdout, stderr string
	status         string
}

func readTranscript(t *testing.T, path string) (intro string, steps []step) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var differs map[string]bool
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "$") || strings.HasPrefix(line, "@") {
			steps = append(steps, step{line: line})
			differs = make(map[string]bool)
			continue
		}
		if len(steps) == 0 {
			intro += line + "\n"
			continue
		}
		if line == "" {
			continue
		}
		s := &steps[len(steps)-1]
		mark := line[:min(2, len(line))]
		rest := line[len(mark):]
		for _, m := range []struct {
			real, own string
			put       func(r *result)
		}{
			{"O|", "o|", func(r *result) { r.stdout += rest + "\n" }},
			{"E|", "e|", func(r *result) { r.stderr += rest + "\n" }},
			{"= ", "~ ", func(r *result) { r.status = rest }},
		} {
			switch {
			case mark == m.real:
				m.put(&s.real)
				m.put(&s.ours)
			case mark == m.own && !differs[mark]: // the first: it replaces what the real one did
				differs[mark] = true
				switch mark {
				case "o|":
					s.ours.stdout = ""
				case "e|":
					s.ours.stderr = ""
				}
				m.put(&s.ours)
			case mark == m.own:
				m.put(&s.ours)
			}
		}
		if !strings.Contains("O|E|= o|e|~ ", mark) { // the command goes on
			s.line += "\n" + line
		}
	}
	for i := range steps {
		s := &steps[i]
		s.args = shellWords(t, s.line[1:])
		if s.line[0] == '@' {
			s.stdin = strings.ReplaceAll(s.args[0], `\n`, "\n")
			s.args = s.args[1:]
		}
	}
	return intro, steps
}

// shellWords splits a line as a shell does, as far as the transcripts need it.
func shellWords(t *testing.T, line string) (words []string) {
	t.Helper()
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '"' && c == '\\' && i+1 < len(line) && strings.IndexByte(`$"\`, line[i+1]) >= 0:
			i++
			word.WriteByte(line[i])
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ':
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		t.Fatalf("the quotes of %q do not end", line)
	}
	if inWord {
		words = append(words, word.String())
	}
	return words
}

// machine is a fake kernel with a sysfs.
type machine struct {
	*kerneltest.Kernel
	sysDir  string
	control *kernel.Control
	blocks  map[uint64]string // names of mapped devices that sysfs shows
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{Kernel: kerneltest.New(t, kerneltest.Options{}), sysDir: t.TempDir(), blocks: make(map[uint64]string)}
	for i := range 4 {
		devno := m.AddDisk(fmt.Sprintf("/dev/loop%d", i), 8<<20)
		m.addBlock(t, devno, fmt.Sprintf("loop%d", i), "")
	}
	m.control = m.Open(kernel.Options{Mangling: kernel.MangleNone, Udev: kernel.UdevOff})
	return m
}

// addBlock makes the folder of a block device in the fake sysfs.
func (m *machine) addBlock(t *testing.T, devno uint64, name, mapped string) {
	t.Helper()
	if shown, ok := m.blocks[devno]; ok && shown == mapped {
		return
	}
	m.blocks[devno] = mapped
	dir := filepath.Join(m.sysDir, "devices", name)
	links := filepath.Join(m.sysDir, "dev", "block")
	files := map[string]string{"bdi/read_ahead_kb": "128\n"}
	if mapped != "" {
		files["dm/name"] = mapped + "\n"
	}
	for file, text := range files {
		path := filepath.Join(dir, file)
		if _, err := os.Stat(path); err == nil && mapped != "" && file != "dm/name" {
			continue // a command may have set it
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(links, 0o755); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(links, kernel.ByDevno(devno).String())
	if err := os.RemoveAll(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("..", "..", "devices", name), link); err != nil {
		t.Fatal(err)
	}
}

// refresh gives the devices that have, or had, a table a place in sysfs.
func (m *machine) refresh(t *testing.T) {
	t.Helper()
	entries, err := m.control.List(kernel.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[uint64]string)
	for _, e := range entries {
		names[e.DevNo] = e.Name
	}
	for minor := range uint32(100) {
		devno := kernel.Mkdev(kerneltest.Major, minor)
		name, there := names[devno]
		if there { // otherwise the next command may make it
			info, err := m.control.Info(kernel.ByDevno(devno), kernel.InfoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !info.HasLiveTable() && !info.HasInactiveTable() {
				delete(m.blocks, devno)
				_ = os.Remove(filepath.Join(m.sysDir, "dev", "block", kernel.ByDevno(devno).String()))
				continue
			}
		}
		m.addBlock(t, devno, fmt.Sprintf("dm-%d", minor), name)
	}
}

// run runs ours on the fake kernel.
func (m *machine) run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	host := Host{System: m.Kernel, SysDir: m.sysDir, Getenv: func(name string) string {
		return map[string]string{"DM_DISABLE_UDEV": "1"}[name]
	}}
	host.after = func(time.Duration) <-chan time.Time {
		now := make(chan time.Time)
		close(now)
		return now
	}
	streams := ui.Streams{In: strings.NewReader(stdin), Out: &stdout, Err: &stderr}
	status := Run(context.Background(), args, streams, host)
	words := strings.Replace(stderr.String(), usageText(), "<usage>\n", 1)
	words = strings.Replace(words, fieldHelp(), "<fields>\n", 1)
	return result{stdout.String(), words, fmt.Sprint(status)}
}

// TestTranscripts gives ours, on a fake kernel, the command lines that the real dmsetup
// got on a real one, and demands the same answers.
//
// To add some: write the command lines down, and take the answers from TestLiveTranscripts.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(paths) < 4 {
		t.Fatalf("found %d transcripts, want at least 4: %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			_, steps := readTranscript(t, path)
			for _, s := range steps {
				m.refresh(t)
				got := m.run(t, s.stdin, s.args...)
				if got != s.ours {
					t.Errorf("%s\n got %q\nwant %q", s.line, got, s.ours)
				}
			}
			if len(steps) < 50 {
				t.Errorf("%s has %d commands, want at least 50", path, len(steps))
			}
		})
	}
}
