package cli

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

func kernelMessageCommand() *urfave.Command {
	return &urfave.Command{
		Name: "message", Usage: "send a message to the target at a sector of the live table", ArgsUsage: "NAME SECTOR TEXT…",
		Description: kernelSelectHelp + ` SECTOR counts 512 bytes; words of TEXT are joined with blanks.
With "-" as TEXT the message is read from standard input, less one newline at its end: a key belongs there, since
everybody can see arguments. An answer is printed.
  dmimg kernel message pool 0 create_thin 1`,
		Flags: append(selectFlags(), ui.JSONFlag()),
		Action: onDevice(2, maxMessageWords, func(c *urfave.Context, s ui.Streams, ref kernel.Ref, args []string) error {
			sector, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return ui.Usagef("kernel message: sector %q: want a number of 512-byte sectors", args[0])
			}
			text, err := messageText(c.Context, s.In, args[1:])
			if err != nil {
				return err
			}
			defer ui.Wipe(text)
			return withKernel(c, func(_ context.Context, ctl *kernel.Control) error {
				return kernelMessage(s.Out, ctl, ref, sector, text, c.Bool("json"))
			})
		}),
	}
}

// maxMessageWords is more words than a message can have.
const maxMessageWords = 1 << 16

// messageText is the message of a command line.
func messageText(ctx context.Context, stdin io.Reader, words []string) ([]byte, error) {
	text := []byte(strings.Join(words, " "))
	if len(words) == 1 && words[0] == "-" {
		var err error
		if text, err = ui.ReadPassphraseFile(ctx, "-", stdin); err != nil {
			return nil, err
		}
	}
	if len(bytes.TrimSpace(text)) == 0 || bytes.IndexByte(text, 0) >= 0 {
		ui.Wipe(text)
		return nil, ui.Usagef("kernel message: TEXT is empty or holds NUL")
	}
	return text, nil
}

// kernelMessage sends a message and prints the answer.
func kernelMessage(out io.Writer, ctl *kernel.Control, ref kernel.Ref, sector uint64, text []byte, json bool) error {
	answer, err := ctl.Message(ref, sector, text, kernel.MessageOptions{})
	if err != nil {
		return err
	}
	if json {
		var words *string // null: there is no answer
		if answer != nil {
			s := string(answer)
			words = &s
		}
		return ui.WriteJSON(out, map[string]*string{"answer": words})
	}
	if len(answer) > 0 && answer[len(answer)-1] != '\n' {
		answer = append(answer, '\n')
	}
	_, err = out.Write(answer)
	return err
}
