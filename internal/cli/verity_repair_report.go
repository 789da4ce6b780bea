package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/verity"
)

// repairReport is the JSON of repair: what was repaired, and what stays damaged.
type repairReport struct {
	OK       bool         `json:"ok"`      // nothing stays damaged
	Proven   bool         `json:"proven"`  // the root hash proves every block of the data then
	RootOK   bool         `json:"root_ok"` // false: nothing could be proven
	DryRun   bool         `json:"dry_run"` // nothing was written
	Repaired repairLists  `json:"repaired"`
	Data     []blockRange `json:"data"` // what stays damaged, as verify lists it
	Tree     []blockRange `json:"tree"`
	FEC      []blockRange `json:"fec"`
	Unproven []blockRange `json:"unproven"`
	Complete bool         `json:"complete"` // false: there is more damage than is listed

	stays *damageReport
	copy  bool // --out
	job   *repairJob
}

// repairLists are blocks that were repaired.
type repairLists struct {
	Data []plainRange `json:"data"`
	Tree []plainRange `json:"tree"`
	FEC  []plainRange `json:"fec"`
}

// plainRange is a range of blocks as JSON has it.
type plainRange struct {
	FirstBlock uint64 `json:"first_block"`
	LastBlock  uint64 `json:"last_block"`
}

// report says what becomes of the image: with --out only of what DATA holds.
func (j *repairJob) report() *repairReport {
	m := j.mender
	left, parityLeft, repaired := *m.left, m.parityLeft, j.repaired
	r := &repairReport{
		DryRun: j.o.dryRun, RootOK: left.RootOK, Complete: !left.More, copy: j.o.out != "", job: j,
		Proven: j.isProven(),
	}
	if r.copy && j.fileOf(treeArea) != j.fileOf(dataArea) {
		left.Tree = merged(slices.Concat(left.Tree, j.repaired[treeArea]))
		repaired[treeArea] = nil
	}
	if r.copy && j.fileOf(parityArea) != j.fileOf(dataArea) {
		parityLeft = merged(slices.Concat(parityLeft, j.repaired[parityArea]))
		repaired[parityArea] = nil
	}
	r.stays = newDamageReport(&left, m.left, m.params, m.root)
	r.stays.addParity(parityLeft, m.parityLeft, m.area.Offset)
	r.OK = r.stays.OK
	r.Data, r.Tree, r.FEC, r.Unproven = r.stays.Data, r.stays.Tree, r.stays.FEC, r.stays.Unproven
	if r.copy && !r.Proven { // there is no copy
		repaired = [numAreas][]verity.Range{}
	}
	r.Repaired = repairLists{plainRanges(repaired[dataArea]), plainRanges(repaired[treeArea]), plainRanges(repaired[parityArea])}
	return r
}

// isProven reports whether the root hash proves all data as it is after the repair.
func (j *repairJob) isProven() bool {
	left := j.mender.left
	return left.RootOK && !left.More && len(left.Data)+len(left.Unproven) == 0
}

func plainRanges(list []verity.Range) []plainRange {
	ranges := make([]plainRange, 0, len(list))
	for _, r := range list {
		ranges = append(ranges, plainRange{r.First, r.Last})
	}
	return ranges
}

// print writes the report and returns the error to exit with.
func (r *repairReport) print(w io.Writer, asJSON bool) error {
	var err error
	if asJSON {
		err = ui.WriteJSON(w, r)
	} else if err = r.writeRepaired(w); err == nil {
		err = r.stays.writeText(w)
	}
	switch {
	case err != nil || r.OK || r.copy && r.Proven:
		return err
	case !r.RootOK:
		return r.stays.wrongRoot()
	case r.copy:
		return ui.Hint(ui.Corruptf("%s", r.stays.summary()), "the root hash does not prove the copy, so there is none")
	case !r.Complete:
		return ui.Hint(ui.Corruptf("%s", r.stays.summary()), "there is more damage than can be listed: nothing was written")
	}
	if r.job.mender.parityForeign {
		return ui.Hint(ui.Corruptf("%s", r.stays.summary()),
			"hardly anything in the parity area fits the image: are --fec-roots and --fec-offset right? --force makes it anew")
	}
	return ui.Hint(ui.Corruptf("%s", r.stays.summary()), "this is what cannot be repaired")
}

// writeRepaired lists what was repaired.
func (r *repairReport) writeRepaired(w io.Writer) error {
	done := "repaired"
	if r.DryRun {
		done = "would repair"
	}
	var b strings.Builder
	for area, part := range []struct {
		name   string
		ranges []plainRange
	}{{"data", r.Repaired.Data}, {"tree", r.Repaired.Tree}, {"parity", r.Repaired.FEC}} {
		for _, p := range part.ranges {
			begin, end := r.job.offset(imageArea(area), p.FirstBlock), r.job.offset(imageArea(area), p.LastBlock+1)
			fmt.Fprintf(&b, "%s %s blocks %d-%d offset %d length %d\n", done, part.name, p.FirstBlock, p.LastBlock, begin, end-begin)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
