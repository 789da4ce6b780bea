package difftest

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/dmsetup"
)

// toolCalls are what both dmsetups are asked for, about all devices at once.
var toolCalls = [][]string{
	{"table"},
	{"table", "--showkeys"},
	{"status"},
	{"status", "--noflush"},
	{"info"},
	{"info", "-c"},
	{"info", "-c", "--noheadings", "-o", "name,uuid,major,minor,attr,open,segments,events"},
	{"ls"},
	{"ls", "-o", "devno"},
	{"ls", "--tree"},
	{"deps"},
	{"deps", "-o", "devname"},
	{"targets"},
}

// compareTool compares our dmsetup with the real one on all devices that are there, and
// about one of them by its name.
func (g *machine) compareTool(t *testing.T, list []result) {
	t.Run("dmsetup", func(t *testing.T) {
		calls := toolCalls
		for _, s := range g.setups {
			if len(s.live) > 0 && len(calls) == len(toolCalls) {
				for _, verb := range []string{"table", "status", "info", "deps"} {
					calls = append(calls, []string{verb, s.top()})
				}
			}
		}
		differing := map[string][]string{} // device → calls
		for _, args := range calls {
			for _, name := range g.callBoth(t, args) {
				differing[name] = append(differing[name], strings.Join(args, " "))
			}
		}
		for i, s := range g.setups {
			if len(s.live) == 0 {
				continue
			}
			list[i].Cells[tool] = good
			for _, name := range s.live {
				if differing[name] != nil || differing[""] != nil {
					list[i].Cells[tool] = bad
					list[i].Note += fmt.Sprintf("dmsetup: %q", append(differing[name], differing[""]...))
				}
			}
		}
	})
}

// callBoth calls both and returns the devices about which they differ, "" for all.
func (g *machine) callBoth(t *testing.T, args []string) []string {
	t.Helper()
	var want, got, words bytes.Buffer
	for range 3 { // what a status says may move meanwhile
		want.Reset()
		got.Reset()
		words.Reset()
		cmd := exec.Command("dmsetup", args...)
		cmd.Stdout = &want
		err := cmd.Run()
		exit := dmsetup.Run(t.Context(), args, ui.Streams{In: strings.NewReader(""), Out: &got, Err: &words}, dmsetup.Host{})
		if (err == nil) == (exit == 0) && bytes.Equal(want.Bytes(), got.Bytes()) {
			return nil
		}
	}
	return g.blame(t, args, strings.Split(want.String(), "\n"), strings.Split(got.String(), "\n"), words.String())
}

// blame finds the devices in whose lines two outputs differ.
func (g *machine) blame(t *testing.T, args, want, got []string, words string) []string {
	t.Helper()
	var names []string
	shown := 0
	for i := range max(len(want), len(got)) {
		var a, b string
		if i < len(want) {
			a = want[i]
		}
		if i < len(got) {
			b = got[i]
		}
		if a == b {
			continue
		}
		if shown++; shown <= 3 {
			t.Errorf("dmsetup %s: line %d\nreal %q\nours %q %s", strings.Join(args, " "), i+1, a, b, words)
		}
		names = append(names, g.named(a))
	}
	return names
}

// named is the live device that a line begins with, "" if it does not tell.
func (g *machine) named(line string) string {
	for _, s := range g.setups {
		for _, name := range s.live {
			if strings.HasPrefix(line, name) {
				return name
			}
		}
	}
	return ""
}
