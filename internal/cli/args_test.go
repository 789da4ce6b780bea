package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"verity format d h":                          "dmimg verity format -- d h",
		"verity format d h --salt aa":                "dmimg verity format --salt=aa -- d h",
		"verity format d --salt aa h":                "dmimg verity format --salt=aa -- d h",
		"verity --salt aa format d h":                "dmimg verity format --salt=aa -- d h",
		"--salt aa verity format d h":                "dmimg verity format --salt=aa -- d h",
		"--json verity format d h":                   "dmimg verity format --json -- d h",
		"verity format --salt - - h":                 "dmimg verity format --salt=- -- - h",
		"verity format -salt=aa d h":                 "dmimg verity format --salt=aa -- d h",
		"verity format --salt --json d h":            "dmimg verity format --salt=--json -- d h",
		"verity format d h -- --salt":                "dmimg verity format -- d h --salt",
		"verity format --uuid a=b d h":               "dmimg verity format --uuid=a=b -- d h",
		"verity format --json=false d h":             "dmimg verity format --json=false -- d h",
		"verity format d -- -h":                      "dmimg verity format -- d -h",
		"crypt decrypt a b --iv-offset 5 --offset 8": "dmimg crypt decrypt --iv-offset=5 --offset=8 -- a b",
	} {
		p, err := arrange(newApp(ui.Streams{}), strings.Fields(in))
		if err != nil {
			t.Errorf("arrange(%q): %v", in, err)
			continue
		}
		if got := strings.Join(p.args, " "); got != want {
			t.Errorf("arrange(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"format", "verify", "dump", "size", "h"}
	for word, want := range map[string]string{
		"fromat": "format", "verfiy": "verify", "dmp": "dump", "sizes": "size", "x": "", "encrypt": "", "": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// FuzzArrange demands that no command line breaks the order of arguments: every
// positional one arrives, in order.
func FuzzArrange(f *testing.F) {
	for _, s := range []string{
		"verity format d h --salt aa", "--json -- x", "verity", "crypt ciphers --json", "help verity", "--help",
		"verity format --salt", "verity format -", "verity format --", "verity form --generate-bash-completion",
		"volume read --map a=b,c", "bench crypt --json", "verity format --=x", "verity format -=", "-- verity",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, err := arrange(newApp(ui.Streams{}), strings.Split(line, " "))
		if err != nil {
			if ui.ExitCode(err) != ui.ExitWrongUse {
				t.Errorf("arrange(%q): %v has exit status %d", line, err, ui.ExitCode(err))
			}
			return
		}
		if len(p.args) == 0 {
			return // help, version, completion
		}
		end := slices.Index(p.args, "--")
		for _, word := range p.args[1:end] {
			if isFlag(word) && findFlag(p.path[len(p.path)-1].Flags, strings.TrimPrefix(strings.SplitN(word, "=", 2)[0], "--")) == nil {
				t.Errorf("arrange(%q) made %q: unknown flag %q", line, p.args, word)
			}
		}
	})
}

func FuzzParseUUID(f *testing.F) {
	f.Add("a60c98d2-ae9b-4865-bfcb-b4e3ace11033")
	f.Add("a60c98d2ae9b4865bfcbb4e3ace11033")
	f.Add("-----")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := parseUUID(text)
		if err == nil && formatUUID(id) != strings.ToLower(text) {
			t.Errorf("parseUUID(%q) prints as %q", text, formatUUID(id))
		}
	})
}
