package integrity

// Area is what a place on a device is for.
type Area int

// The areas of a device. AreaUnused is in front of the superblock or behind
// the last data.
const (
	AreaUnused Area = iota
	AreaSuperblock
	AreaJournal
	AreaTags
	AreaData
)

// String is the name of the area.
func (a Area) String() string {
	return [...]string{"unused", "superblock", "journal", "tags", "data"}[a]
}

// Locate says what byte at of the device is for, the one with the tags if
// there are two: in AreaData, within is the byte of the data; in AreaTags, the
// first block whose tag is there, or the number of all blocks in the padding
// at its end; otherwise the byte of the area.
func (l *Layout) Locate(at int64) (area Area, within int64) {
	tags := l.Reserved + l.InitialSectors*SectorSize
	switch {
	case at < l.Reserved:
		return AreaUnused, at
	case at < l.JournalOffset():
		return AreaSuperblock, at - l.Reserved
	case at < tags:
		return AreaJournal, at - l.JournalOffset()
	case l.MetaDevice():
		return l.locateTag(at-tags, 0, l.Blocks())
	}
	period := (l.Interleave + l.RunSectors) * SectorSize
	n, in := (at-tags)/period, (at-tags)%period
	if in >= l.RunSectors*SectorSize {
		if off := n*l.Interleave*SectorSize + in - l.RunSectors*SectorSize; off < l.Size() {
			return AreaData, off
		}
		return AreaUnused, at
	}
	perArea := l.Interleave / int64(l.blockSectors())
	if n > l.Blocks()/perArea {
		return AreaUnused, at
	}
	return l.locateTag(in, n*perArea, min((n+1)*perArea, l.Blocks()))
}

// locateTag is Locate for byte in of a tag area with the tags of blocks [first, end).
func (l *Layout) locateTag(in, first, end int64) (Area, int64) {
	block := first + in/int64(l.TagSize)
	if block >= end {
		return AreaTags, l.Blocks()
	}
	return AreaTags, block
}
