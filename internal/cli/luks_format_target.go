package cli

import (
	"errors"
	"io/fs"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/probe"
)

// luksTargets are the files of a LUKS image that is made.
type luksTargets struct {
	header, data luks.Storage // the same without a detached header
	outputs      []*ui.Output // those that are new: they appear at commit
	files        []*luks.File // those that are changed in place
}

// open opens the files, after making sure that nothing is lost.
func (o luksFormatOptions) open(s ui.Streams) (t *luksTargets, err error) {
	t = new(luksTargets)
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	image, header := o.place.image, o.place.header
	if header != "" && ui.IsSameFile(ui.StatFile(image), ui.StatFile(header)) {
		return t, ui.Usagef("--header %s: is IMAGE itself", header)
	}
	if t.data, err = t.openData(s, o); err != nil {
		return t, err
	}
	switch {
	case header == "":
		t.header = t.data
	case ui.StatFile(header) == nil:
		t.header, err = t.create(header, 0, o.force)
	default:
		t.header, err = t.change(header, o.force, luksPlace{}, s)
	}
	return t, err
}

// openData opens IMAGE, or makes it. With a detached header it is not written to, and only its size counts,
// unless its sectors get tags.
func (t *luksTargets) openData(s ui.Streams, o luksFormatOptions) (luks.Storage, error) {
	switch {
	case o.size > 0 || o.dataSize > 0:
		return t.create(o.place.image, o.size, o.force)
	case ui.StatFile(o.place.image) == nil:
		return nil, ui.Hint(ui.Failf("%s is not there", o.place.image), "--size or --data-size makes it, for instance with --size 64M")
	case o.place.header != "" && o.format.Integrity == "":
		f, err := luks.OpenFile(o.place.image, false)
		if err != nil {
			return nil, err
		}
		t.files = append(t.files, f)
		return o.place.part(s, f)
	}
	return t.change(o.place.image, o.force, o.place, s)
}

// create begins a new file of size bytes.
func (t *luksTargets) create(path string, size int64, force bool) (luks.Storage, error) {
	if info := ui.StatFile(path); info != nil && !info.Mode().IsRegular() {
		return nil, ui.Failf("%s is there and not a regular file: its size is what it is", path)
	}
	out, err := ui.CreateOutput(path, ui.OutputOptions{Force: force, Perm: 0o600})
	if err != nil {
		return nil, err
	}
	t.outputs = append(t.outputs, out)
	return newFile{out}, out.Grow(size)
}

// change opens a file that is there, or a part of it; what is not blank only by force.
func (t *luksTargets) change(path string, force bool, place luksPlace, s ui.Streams) (luks.Storage, error) {
	f, err := luks.OpenUnused(path)
	if err != nil {
		return nil, err
	}
	t.files = append(t.files, f)
	part, err := place.part(s, f)
	if err != nil || force {
		return part, err
	}
	if place.isPart() {
		path = place.String()
	}
	return part, refuseFull(part, path)
}

// refuseFull refuses to format what is not blank, and says what it is.
func refuseFull(b luks.Storage, path string) error {
	blank, err := isUnused(borrowed{b})
	if err != nil || blank {
		return err
	}
	size, err := b.Size()
	if err != nil {
		return err
	}
	what := ""
	if l, err := probe.Probe(b, size); err == nil && isRecognised(l) {
		what = " (" + l.Description + ")"
	}
	return ui.Hint(ui.Failf("%s is not blank%s: formatting destroys what is on it", path, what), "--force overwrites it")
}

// fit gives a new image the size that its data needs.
func (t *luksTargets) fit(h *luks.Header, dataSize int64) error {
	if dataSize == 0 {
		return nil
	}
	offset, unit := int64(0), int64(luks.SectorSize)
	if h.Version == 1 {
		offset = int64(h.V1.PayloadOffset) * luks.SectorSize
	} else if s := h.V2.Metadata.Segments[0]; s != nil {
		offset, unit = int64(s.Offset), int64(s.SectorSize)
	}
	out, ok := t.data.(newFile)
	if !ok {
		return nil
	}
	return out.Truncate(offset + (dataSize+unit-1)/unit*unit)
}

// commit brings everything to the disk, and gives new files their names.
func (t *luksTargets) commit() error {
	var list []ui.Target
	for _, out := range t.outputs {
		list = append(list, out)
	}
	return ui.CommitAll(list...)
}

// Close closes all files; new ones that were not committed are removed.
func (t *luksTargets) Close() error {
	var errs []error
	for _, out := range t.outputs {
		errs = append(errs, out.Close())
	}
	for _, f := range t.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// newFile is a file being made, as storage.
type newFile struct{ *ui.Output }

// Sync does nothing: nothing counts before the file has its name.
func (newFile) Sync() error { return nil }

// Size returns the bytes written up to now.
func (f newFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// borrowed is storage as the backing device of a volume, which does not close it.
type borrowed struct{ luks.Storage }

// Close does nothing.
func (borrowed) Close() error { return nil }

// openBorrowed opens storage for a volume, whatever word is asked for.
func openBorrowed(s luks.Storage) volume.OpenFunc {
	return func(string, int, fs.FileMode) (volume.Backend, error) { return borrowed{s}, nil }
}
