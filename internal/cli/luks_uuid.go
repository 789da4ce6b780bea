package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// randomUUID as the value of --uuid makes a new one.
const randomUUID = "random"

func luksUUIDCommand() *urfave.Command {
	return &urfave.Command{
		Name: "uuid", Usage: "print the UUID of a LUKS image, or give it another", ArgsUsage: "IMAGE",
		Description: `With --uuid the image gets that one, or a random one, which is printed.
` + luksEditHelp,
		Flags: editFlags(&urfave.StringFlag{Name: "uuid", Usage: "change it to `UUID`, or to a new one with " + randomUUID}),
		Action: verb(1, 1, func(c *urfave.Context, s ui.Streams) error {
			place, err := luksPlaceOf(c, c.Args().First())
			if err != nil {
				return err
			}
			if c.IsSet("uuid") {
				return luksSetUUID(s, place, c.String("uuid"), c.Bool("json"))
			}
			return luksUUID(s, place, c.Bool("json"))
		}),
	}
}

// luksUUID prints the UUID.
func luksUUID(s ui.Streams, place luksPlace, asJSON bool) (err error) {
	im, err := openLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(im, &err)
	return printUUID(s, im.header.UUID(), asJSON)
}

// luksSetUUID changes the UUID and prints it.
func luksSetUUID(s ui.Streams, place luksPlace, uuid string, asJSON bool) (err error) {
	switch uuid {
	case "":
		return ui.Usagef("--uuid is empty: %s makes a new one", randomUUID)
	case randomUUID:
		uuid = ""
	}
	e, err := editLUKS(s, place)
	if err != nil {
		return err
	}
	defer closeInto(e, &err)
	if err := e.SetUUID(uuid); err != nil {
		return e.failed(err)
	}
	return printUUID(s, e.Header().UUID(), asJSON)
}

func printUUID(s ui.Streams, uuid string, asJSON bool) error {
	if asJSON {
		return ui.WriteJSON(s.Out, struct {
			UUID string `json:"uuid"`
		}{uuid})
	}
	_, err := fmt.Fprintln(s.Out, printable(uuid))
	return err
}
