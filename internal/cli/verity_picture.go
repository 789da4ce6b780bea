package cli

import (
	"fmt"
	"io"
	"strings"
)

// blockState is what is known of a block, or the worst of several.
type blockState int

const (
	stateProven blockState = iota
	stateRepairable
	stateUnproven
	stateCorrupt
	numStates
)

// stateStyles say how states are drawn.
var stateStyles = [numStates]struct {
	name   string
	colour string
	letter byte
}{
	{"proven", "#c8e0cc", '.'},
	{"damaged, repairable", "#e9b949", 'r'},
	{"not proven", "#9a9fb0", '?'},
	{"corrupt", "#b3261e", 'X'},
}

// damagePicture is a heat map of an image: its regions, one below the other, as rows
// of cells, each as bad as its worst block.
type damagePicture struct {
	title   string
	regions []pictureRegion
	// label says what lies at a place, as words for a damaged cell: the offsets, or
	// whatever finds out which partition or file that is.
	label func(r *pictureRegion, offset, length int64) string
}

// pictureRegion is a run of blocks of one kind.
type pictureRegion struct {
	name      string // with the file, as people know it
	offset    int64  // of the first block in its file, in bytes
	blockSize int
	blocks    uint64
	first     uint64 // number of the first block in the lists
	base      blockState
	lists     []pictureList
	limit     [2]uint64 // cells at most, in the file and on the terminal
}

// pictureList is ranges that are damaged; where it can be repaired they say so.
type pictureList struct {
	ranges []blockRange
	state  blockState
}

// Where a picture is drawn: in a file with at most 4096 cells, or on a terminal.
const (
	inFile = iota
	onTerminal
	cellsInRow = 64
)

// picture draws what d found in the image.
func (i *verityImage) picture(d *damageReport) *damagePicture {
	base := stateProven
	if !d.RootOK {
		base = stateUnproven
	}
	p := &damagePicture{title: i.data.Name(), label: offsetLabel}
	p.add(pictureRegion{
		name: "data in " + i.data.Name(), blockSize: i.params.DataBlockSize, blocks: i.layout.DataBlocks(), base: base,
		lists: []pictureList{{d.Unproven, stateUnproven}, {d.Data, stateCorrupt}}, limit: [2]uint64{3072, 768},
	})
	p.add(pictureRegion{
		name: "tree in " + i.hash.Name(), offset: i.layout.HashOffset(), blockSize: i.params.HashBlockSize,
		blocks: i.layout.HashBlocks(), first: i.layout.HashStart(), base: base,
		lists: []pictureList{{d.Tree, stateCorrupt}}, limit: [2]uint64{512, 128},
	})
	if i.parity == nil {
		return p
	}
	p.add(pictureRegion{
		name: "parity in " + i.parity.device.Name(), offset: i.parity.area.Offset, blockSize: i.parity.fec.BlockSize,
		blocks: i.parity.fec.ParityBlocks(), base: base,
		lists: []pictureList{{d.FEC, stateCorrupt}}, limit: [2]uint64{512, 128},
	})
	return p
}

// add adds a region, unless it is empty.
func (p *damagePicture) add(r pictureRegion) {
	if r.blocks > 0 {
		p.regions = append(p.regions, r)
	}
}

// offsetLabel names a place by its bytes.
func offsetLabel(_ *pictureRegion, offset, length int64) string {
	return fmt.Sprintf("offset %d, length %d", offset, length)
}

// perCell is how many blocks a cell stands for.
func (r *pictureRegion) perCell(where int) uint64 { return (r.blocks-1)/r.limit[where] + 1 }

// cells finds the worst state in every cell.
func (r *pictureRegion) cells(where int) []blockState {
	per := r.perCell(where)
	cells := make([]blockState, (r.blocks-1)/per+1)
	for i := range cells {
		cells[i] = r.base
	}
	for _, list := range r.lists {
		for _, b := range list.ranges {
			for i := (b.FirstBlock - r.first) / per; i <= (b.LastBlock-r.first)/per; i++ {
				cells[i] = max(cells[i], list.stateOf(b))
			}
		}
	}
	return cells
}

func (l pictureList) stateOf(b blockRange) blockState {
	if b.Repairable {
		return stateRepairable
	}
	return l.state
}

// totals counts the blocks of each state that is listed.
func (r *pictureRegion) totals() (n [numStates]uint64) {
	for _, list := range r.lists {
		for _, b := range list.ranges {
			n[list.stateOf(b)] += b.blocks()
		}
	}
	return n
}

// heading describes a region in words.
func (r *pictureRegion) heading(where int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: offset %d, %d blocks of %d bytes, %d in a cell", r.name, r.offset, r.blocks, r.blockSize, r.perCell(where))
	intact := true
	for state, n := range r.totals() {
		if n > 0 {
			fmt.Fprintf(&b, "; %d %s", n, stateStyles[state].name)
			intact = false
		}
	}
	if intact && r.base == stateProven {
		b.WriteString("; no damage")
	}
	return b.String()
}

// writeText draws the picture with letters.
func (p *damagePicture) writeText(w io.Writer) error {
	var b strings.Builder
	for i := range p.regions {
		r := &p.regions[i]
		b.WriteString(r.heading(onTerminal) + "\n")
		for at, state := range r.cells(onTerminal) {
			if at%cellsInRow == 0 {
				if at > 0 {
					b.WriteByte('\n')
				}
				fmt.Fprintf(&b, "%14d ", r.offset+int64(uint64(at)*r.perCell(onTerminal))*int64(r.blockSize))
			}
			b.WriteByte(stateStyles[state].letter)
		}
		b.WriteByte('\n')
	}
	for _, s := range stateStyles {
		fmt.Fprintf(&b, "  %c %s", s.letter, s.name)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}
