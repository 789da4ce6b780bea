package cli

import (
	"errors"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// completionFlag, as the last word, asks for what could stand in its place.
const completionFlag = "--generate-bash-completion"

// plan is a command line that has been understood and put in order.
type plan struct {
	path []*urfave.Command // noun, verb; shorter where help or completions are asked for
	args []string          // for the flag parser: program, path, flags, "--", positionals

	help, version, complete bool
	partial                 string // the unfinished word to complete
}

// name is the path as typed: "dmimg verity format".
func (p *plan) name() string {
	words := []string{"dmimg"}
	for _, c := range p.path {
		words = append(words, c.Name)
	}
	return strings.Join(words, " ")
}

// failf makes a wrong-use error that begins with the verb.
func (p *plan) failf(hint, format string, args ...any) error {
	words := strings.TrimPrefix(strings.TrimPrefix(p.name(), "dmimg"), " ")
	if words != "" {
		words += ": "
	}
	return &ui.Error{Code: ui.ExitWrongUse, Hint: hint, Err: errors.New(words + fmt.Sprintf(format, args...))}
}

// scope lists the commands that could come next.
func (p *plan) scope(app *urfave.App) []*urfave.Command {
	if len(p.path) == 0 {
		return app.Commands
	}
	return p.path[len(p.path)-1].Subcommands
}

// arrange finds noun and verb among args, then moves the flags in front of the
// positional arguments, since the flag parser stops at the first of those.
// "--" ends the flags. Unknown words and flags are wrong use, with the nearest
// known one as a hint.
func arrange(app *urfave.App, args []string) (*plan, error) {
	p := new(plan)
	if n := len(args); n > 0 && args[n-1] == completionFlag {
		p.complete = true
		args = args[:n-1]
		if n > 1 {
			p.partial, args = args[n-2], args[:n-2]
		}
	}
	rest, err := p.resolve(app, args)
	if p.complete {
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	if len(p.scope(app)) > 0 {
		return p, p.withoutVerb(app, rest)
	}
	return p, p.order(rest)
}

// resolve walks to the verb and returns all other words in their order.
func (p *plan) resolve(app *urfave.App, args []string) (rest []string, err error) {
	for i := 0; i < len(args); i++ {
		word, scope := args[i], p.scope(app)
		switch {
		case word == "--":
			return append(rest, args[i:]...), nil
		case isFlag(word):
			rest = append(rest, word)
			name, _, attached := splitFlag(word)
			if !attached && i+1 < len(args) && p.takesValue(scope, name) {
				i++
				rest = append(rest, args[i])
			}
		case len(scope) == 0:
			rest = append(rest, word)
		case word == "help":
			p.help = true
		default:
			c := find(scope, word)
			if c == nil {
				return nil, p.unknownWord(scope, word)
			}
			p.path = append(p.path, c)
		}
	}
	return rest, nil
}

// takesValue reports whether the word after flag name is its value. Before the
// verb is known, any verb that could still come counts.
func (p *plan) takesValue(scope []*urfave.Command, name string) bool {
	if len(scope) == 0 {
		f := findFlag(p.path[len(p.path)-1].Flags, name)
		return f != nil && valued(f)
	}
	for _, c := range scope {
		if f := findFlag(c.Flags, name); f != nil && valued(f) {
			return true
		}
		if len(c.Subcommands) > 0 && p.takesValue(c.Subcommands, name) {
			return true
		}
	}
	return false
}

// withoutVerb handles a command line that stops at a noun or before it.
func (p *plan) withoutVerb(app *urfave.App, rest []string) error {
	for _, word := range rest {
		switch {
		case word == "--help" || word == "-h":
			p.help = true
		case len(p.path) == 0 && (word == "--version" || word == "-V"):
			p.version = true
		case !p.help && !p.version:
			return p.failf(seeHelp(p.name()), "unknown flag or argument %q before a verb", word)
		}
	}
	if p.help || p.version {
		return nil
	}
	var known []string
	for _, c := range p.scope(app) {
		known = append(known, c.Name)
	}
	return p.failf(seeHelp(p.name()), "say what to do: %s", strings.Join(known, ", "))
}

// order writes p.args for the verb at the end of the path.
func (p *plan) order(rest []string) error {
	var flags, positionals []string
	known := p.path[len(p.path)-1].Flags
	for i := 0; i < len(rest); i++ {
		word := rest[i]
		if word == "--" {
			positionals = append(positionals, rest[i+1:]...)
			break
		}
		if !isFlag(word) {
			positionals = append(positionals, word)
			continue
		}
		name, value, attached := splitFlag(word)
		f := findFlag(known, name)
		switch {
		case f == nil && (name == "help" || name == "h"):
			p.help = true
		case f == nil:
			return p.unknownFlag(known, word)
		case attached:
			flags = append(flags, "--"+f.Names()[0]+"="+value)
		case !valued(f):
			flags = append(flags, "--"+f.Names()[0])
		case i+1 == len(rest):
			return p.failf(seeHelp(p.name()), "flag %s needs a value", word)
		default:
			i++
			flags = append(flags, "--"+f.Names()[0]+"="+rest[i])
		}
	}
	p.args = append(strings.Fields(p.name()), flags...)
	p.args = append(append(p.args, "--"), positionals...)
	return nil
}

func (p *plan) unknownWord(scope []*urfave.Command, word string) error {
	var known []string
	for _, c := range scope {
		known = append(known, c.Names()...)
	}
	hint := seeHelp(p.name())
	if near := nearest(word, known); near != "" {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return p.failf(hint, "unknown command %q", word)
}

func (p *plan) unknownFlag(flags []urfave.Flag, word string) error {
	name, _, _ := splitFlag(word)
	var known []string
	for _, f := range flags {
		known = append(known, f.Names()...)
	}
	hint := "usage: " + p.name() + strings.TrimPrefix(usageLine(p.path[len(p.path)-1]), p.path[len(p.path)-1].HelpName)
	if near := nearest(name, known); near != "" {
		hint = fmt.Sprintf("did you mean %s? %s", dashed(near), hint)
	}
	return p.failf(hint, "unknown flag %s", dashed(name))
}

// isFlag reports whether word is a flag; "-" alone is a file.
func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' && word != "--" }

// splitFlag takes "--name=value" apart.
func splitFlag(word string) (name, value string, attached bool) {
	word = strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
	return strings.Cut(word, "=")
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func find(commands []*urfave.Command, word string) *urfave.Command {
	for _, c := range commands {
		if c.HasName(word) {
			return c
		}
	}
	return nil
}

func findFlag(flags []urfave.Flag, name string) urfave.Flag {
	for _, f := range flags {
		for _, n := range f.Names() {
			if n == name {
				return f
			}
		}
	}
	return nil
}

// valued reports whether a flag takes a value.
func valued(f urfave.Flag) bool {
	doc, ok := f.(urfave.DocGenerationFlag)
	return ok && doc.TakesValue()
}
