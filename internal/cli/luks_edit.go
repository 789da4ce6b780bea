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
	name string
}

const luksEditHelp = `The header is changed so that it is valid at every moment; IMAGE is locked as cryptsetup locks it.`

// editLUKS opens the header at a place to change it.
func editLUKS(s ui.Streams, place luksPlace) (*luksEditor, error) {
	file, storage, err := openHeader(s, place, true)
	if err != nil {
		return nil, err
	}
	e := &luksEditor{file: file, name: place.headerName()}
	if e.Editor, err = luks.Edit(storage); err != nil {
		return nil, errors.Join(place.headerFailed(file, err), file.Close())
	}
	for _, p := range e.Header().Problems {
		ui.Warnf(s.Err, "%s: %s", e.name, p)
	}
	return e, nil
}

// openHeader opens and locks the file that the header is in, which is to be closed.
func openHeader(s ui.Streams, place luksPlace, writable bool) (*luks.File, luks.Storage, error) {
	file, err := luks.OpenFile(place.headerFile(), writable)
	if err != nil {
		return nil, nil, err
	}
	storage, err := place.storage(s, file)
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return file, storage, nil
}

// headerFailed names the place of an error of reading a header, and says what is there instead.
func (p luksPlace) headerFailed(file luks.Storage, err error) error {
	err = ui.Failf("%s: %w", p.headerName(), err)
	switch {
	case errors.Is(err, luks.ErrNotLUKS):
		return ui.Hint(err, "%s", p.hintNotLUKS(file))
	case errors.Is(err, luks.ErrHeader):
		return ui.Hint(err, `"dmimg luks restore-header" puts a backup in its place`)
	}
	return err
}

// hintNotLUKS says what there is instead of a header.
func (p luksPlace) hintNotLUKS(file luks.Storage) string {
	size, err := file.Size()
	if err != nil {
		size = 0
	}
	return p.notLUKS(file, size)
}

// Close closes the file and gives up its lock.
func (e *luksEditor) Close() error { return e.file.Close() }

// failed names the place of an error of a change.
func (e *luksEditor) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", e.name, wrongOption(err))
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
	return append(append(more, luksPlaceFlags()...), ui.JSONFlag())
}
