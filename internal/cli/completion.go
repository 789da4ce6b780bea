package cli

import (
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// completionScripts tell a shell to ask the program for words. Where there are
// none, the shell completes file names.
var completionScripts = map[string]string{
	"bash": `_dmimg() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$cur" --generate-bash-completion 2>/dev/null)
}
complete -o default -o bashdefault -F _dmimg dmimg
`,
	"zsh": `#compdef dmimg
_dmimg() {
  local -a found
  found=("${(@f)$("${words[1]}" "${(@)words[2,CURRENT]}" --generate-bash-completion 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _dmimg dmimg
`,
	"fish": `complete -c dmimg -a '(set -l w (commandline -opc) (commandline -ct); $w[1] $w[2..] --generate-bash-completion 2>/dev/null)'
`,
}

func completionCommand() *urfave.Command {
	return &urfave.Command{
		Name: "completion", Usage: "print the completion script of a shell", ArgsUsage: "bash|zsh|fish",
		Description: "for bash, put this into ~/.bashrc:\n  source <(dmimg completion bash)",
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			script, ok := completionScripts[c.Args().First()]
			if !ok {
				return ui.Usagef("completion: unknown shell %q: bash, zsh or fish", c.Args().First())
			}
			_, err := io.WriteString(s.Out, script)
			return err
		}),
	}
}

// printCompletions writes the words that could take the place of the unfinished one.
func printCompletions(w io.Writer, app *urfave.App, p *plan) error {
	var words []string
	if scope := p.scope(app); len(scope) > 0 {
		for _, c := range scope {
			words = append(words, c.Name)
		}
	} else if strings.HasPrefix(p.partial, "-") {
		for _, f := range p.path[len(p.path)-1].Flags {
			words = append(words, dashed(f.Names()[0]))
		}
		words = append(words, "--help")
	}
	for _, word := range words {
		if strings.HasPrefix(word, p.partial) {
			if _, err := fmt.Fprintln(w, word); err != nil {
				return err
			}
		}
	}
	return nil
}
