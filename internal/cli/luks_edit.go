package cli

import (
	"errors"
	"fmt"
	"slices"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
)

// luksEditor is an image, or the file of a detached header, whose header is being changed.
type luksEditor struct {
	*luks.Editor
	file *luks.File
	path string
}

const luksEditHelp = `The header is changed so that it is valid at every moment; IMAGE is locked as cryptsetup locks it.`

// editLUKS opens the header of an image, or of --header, to change it.
func editLUKS(s ui.Streams, image, header string) (*luksEditor, error) {
	e := &luksEditor{path: image}
	if header != "" {
		e.path = header
	}
	var err error
	if e.file, err = luks.OpenFile(e.path, true); err != nil {
		return nil, err
	}
	if e.Editor, err = luks.Edit(e.file); err != nil {
		err = ui.Failf("%s: %w", e.path, err)
		if errors.Is(err, luks.ErrNotLUKS) {
			err = ui.Hint(err, `"dmimg inspect" says what it is; --header FILE names a detached header`)
		}
		return nil, errors.Join(err, e.file.Close())
	}
	for _, p := range e.Header().Problems {
		ui.Warnf(s.Err, "%s: %s", e.path, p)
	}
	return e, nil
}

// Close closes the file and gives up its lock.
func (e *luksEditor) Close() error { return e.file.Close() }

// failed adds to an error of a change what can be done about it.
func (e *luksEditor) failed(err error) error {
	if err == nil {
		return nil
	}
	if len(e.Header().Problems) > 0 && !errors.Is(err, luks.ErrWrongKey) {
		err = ui.Hint(err, `"dmimg luks repair %s" mends a damaged copy of the header`, e.path)
	}
	return fmt.Errorf("%s: %w", e.path, wrongOption(err))
}

// dataSlots lists the key slots that open the data, but for one.
func (e *luksEditor) dataSlots(without int) (list []int) {
	for _, k := range luksReportOf(e.Header()).Keyslots {
		if !k.Unbound && k.ID != without {
			list = append(list, k.ID)
		}
	}
	return list
}

// hasSlot reports whether a key slot is in use.
func (e *luksEditor) hasSlot(id int) bool {
	return slices.ContainsFunc(luksReportOf(e.Header()).Keyslots, func(k luksKeyslotReport) bool { return k.ID == id })
}

// wrongOption makes what was asked for and cannot be wrong use.
func wrongOption(err error) error {
	if errors.Is(err, luks.ErrOption) {
		return ui.Usagef("%w", err)
	}
	return err
}

// luksSlotReport is the JSON of the verbs that make or remove a key slot.
type luksSlotReport struct {
	KeySlot int `json:"key_slot"`
}

// reportSlot says what was done with a key slot.
func reportSlot(s ui.Streams, asJSON bool, slot int, done string) error {
	if asJSON {
		return ui.WriteJSON(s.Out, luksSlotReport{slot})
	}
	_, err := fmt.Fprintf(s.Out, "key slot %d %s\n", slot, done)
	return err
}

// editFlags are the flags that all verbs that change a header have.
func editFlags(more ...urfave.Flag) []urfave.Flag {
	return append(more, headerFlag(), ui.JSONFlag())
}
