package stack

import (
	"io"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/volume/integrity"
)

// IntegrityUnder reads the dm-integrity superblock at byte offset of data, which has size
// bytes: what lies under the segments of a LUKS image whose sectors carry tags. It is for
// [luks.DeviceOptions].Integrity. Errors are those of package integrity.
func IntegrityUnder(data io.ReaderAt, size, offset int64) (area luks.IntegrityArea, err error) {
	sb, err := integrity.ReadSuperblock(data, offset)
	if err != nil {
		return area, err
	}
	layout, err := integrity.NewLayout(sb.Geometry(offset), size, 0)
	if err != nil {
		return area, err
	}
	area = luks.IntegrityArea{TagSize: uint64(sb.TagSize), DataSize: uint64(layout.Size())}
	if sb.Flags&integrity.FlagFixPadding != 0 {
		area.Features = []string{"fix_padding"}
	}
	return area, nil
}
