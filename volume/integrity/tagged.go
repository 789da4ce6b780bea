package integrity

import "github.com/dmimg/dmimg/crypt"

// Tagged gives the blocks together with their tags to the layer above, dm-crypt
// with authentication. It belongs to the Device. false for a device with an
// internal hash, which keeps its tags to itself.
func (d *Device) Tagged() (crypt.TaggedStorage, bool) {
	return tagged{d}, d.hash == nil
}

type tagged struct{ d *Device }

// TagSize is that of a block's tag in bytes.
func (t tagged) TagSize() int { return t.d.TagSize }

// ReadTagged reads whole blocks and their tags; nothing is checked.
func (t tagged) ReadTagged(p, tags []byte, off int64) error {
	if err := t.d.wantTags(p, tags); err != nil {
		return err
	}
	_, err := t.d.read(p, tags, off)
	return err
}

// wantTags makes sure that there is a tag for every block.
func (d *Device) wantTags(p, tags []byte) error {
	if len(p)/d.BlockSize*d.TagSize != len(tags) {
		return badParams("%d bytes of tags for %d bytes of blocks: want %d for each %d", len(tags), len(p), d.TagSize, d.BlockSize)
	}
	return nil
}

// WriteTagged writes whole blocks and their tags.
func (t tagged) WriteTagged(p, tags []byte, off int64) error {
	if err := t.d.wantTags(p, tags); err != nil {
		return err
	}
	_, err := t.d.write(p, tags, off)
	return err
}
