package volume

// BlockAt returns the bytes around off that are read, or fail, as a whole: a
// sector, a verity data block, an encryption sector. Empty past the end.
func (m *Mapped) BlockAt(off int64) Extent {
	if off < 0 || off >= m.size {
		return Extent{Offset: off}
	}
	s := &m.spans[m.find(off)]
	block := int64(s.unit.block)
	start := off - off%block
	return Extent{start, min(block, s.end-start)}
}

// Unreadable returns how many bytes from off on are known to be unreadable
// without trying: those of an error target. 0 means that nothing is known.
func (m *Mapped) Unreadable(off int64) int64 {
	if off < 0 || off >= m.size {
		return 0
	}
	s := &m.spans[m.find(off)]
	return min(unreadable(s.engine, off-s.start), s.end-off)
}

// unreadable asks a device or engine, if it can tell.
func unreadable(d any, off int64) int64 {
	if u, ok := d.(interface{ Unreadable(off int64) int64 }); ok {
		return u.Unreadable(off)
	}
	return 0
}

// blockAt asks a device for the unit around off that fails as a whole;
// otherwise units of the given size are assumed.
func blockAt(d any, off, unit int64) Extent {
	if b, ok := d.(interface{ BlockAt(off int64) Extent }); ok {
		if e := b.BlockAt(off); e.Length > 0 {
			return e
		}
	}
	return Extent{off - off%unit, unit}
}
