package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// checkAreas refuses areas of one file that overlap, before anything is opened for
// writing. Files are compared by what they are, not by their names.
func (j *verityJob) checkAreas() error {
	data := j.in.Info()
	hashInData := ui.IsSameFile(data, ui.StatFile(j.o.hash))
	if hashInData && j.in.IsStream() {
		return ui.Usagef("HASH is the file that standard input reads: name it as DATA instead of -")
	}
	hashOffset := j.o.geometry.hashOffset
	if hashInData && hashOffset < j.layout.DataBytes() {
		return j.overlap("the hash area in DATA begins at --hash-offset %d, the data ends at %d", hashOffset, j.layout.DataBytes())
	}
	if j.o.rootHashFile == "-" {
		return ui.Usagef("--root-hash-file cannot be -: the report has the root hash")
	}
	if j.o.rootHashFile != "" {
		for _, other := range []string{j.o.data, j.o.hash, j.o.fec.device} {
			if other != "" && other != "-" && isSamePath(j.o.rootHashFile, other) {
				return ui.Usagef("--root-hash-file %s is another file of this command", j.o.rootHashFile)
			}
		}
	}
	return j.checkFECArea()
}

func (j *verityJob) checkFECArea() error {
	f := j.o.fec
	if f.device == "" {
		return nil
	}
	if j.in.IsStream() {
		return ui.Usagef("--fec-device needs a DATA that can be read twice, not a stream")
	}
	if j.params.DataBlockSize != j.params.HashBlockSize {
		return ui.Usagef("--fec-device: data blocks of %d and hash blocks of %d bytes must be of one size", j.params.DataBlockSize, j.params.HashBlockSize)
	}
	if ui.IsSameFile(j.in.Info(), ui.StatFile(f.device)) && f.offset < j.layout.DataBytes() {
		return j.overlap("the FEC area in DATA begins at --fec-offset %d, the data ends at %d", f.offset, j.layout.DataBytes())
	}
	if isSamePath(f.device, j.o.hash) && f.offset < j.layout.HashEndOffset() {
		return j.overlap("the FEC area in HASH begins at --fec-offset %d and must follow the hash area, which ends at %d", f.offset, j.layout.HashEndOffset())
	}
	return nil
}

func (j *verityJob) overlap(format string, args ...any) error {
	err := fmt.Errorf("areas overlap: "+format, args...)
	hint := ""
	if j.o.geometry.dataBlocks == nil {
		hint = "without --data-blocks all of DATA is data"
	}
	return &ui.Error{Code: ui.ExitWrongUse, Hint: hint, Err: err}
}

// openTargets opens HASH, the FEC device and the root hash file for writing.
func (j *verityJob) openTargets() (err error) {
	if j.hash, err = j.openArea(j.o.hash, j.o.geometry.hashOffset); err != nil {
		return err
	}
	j.targets = append(j.targets, j.hash)
	if f := j.o.fec; f.device != "" {
		j.parity = j.hash
		if !isSamePath(f.device, j.o.hash) {
			if j.parity, err = j.openArea(f.device, f.offset); err != nil {
				return err
			}
			j.targets = append(j.targets, j.parity)
		}
	}
	if j.o.rootHashFile != "" {
		if j.rootFile, err = ui.CreateOutput(j.o.rootHashFile, j.outputOptions()); err != nil {
			return err
		}
		j.targets = append(j.targets, j.rootFile)
	}
	if j.o.manifest != "" {
		if j.manifestFile, err = ui.CreateOutput(j.o.manifest, j.outputOptions()); err != nil {
			return err
		}
		j.targets = append(j.targets, j.manifestFile)
	}
	return nil
}

// openArea opens path for an area that begins at offset. The bytes in front of it
// are kept if path is DATA, a block device, or an existing file with an offset given;
// any other file is made anew.
func (j *verityJob) openArea(path string, offset int64) (ui.Target, error) {
	info := ui.StatFile(path)
	keep := info != nil && (!info.Mode().IsRegular() || offset > 0)
	if ui.IsSameFile(info, j.in.Info()) || keep && j.o.force || info != nil && j.o.inPlace {
		return ui.OpenPatch(path, offset)
	}
	return ui.CreateOutput(path, j.outputOptions())
}

func (j *verityJob) outputOptions() ui.OutputOptions {
	if j.o.inPlace {
		return ui.OutputOptions{Force: true, Perm: 0o600}
	}
	return ui.OutputOptions{Force: j.o.force}
}

func (j *verityJob) close() error {
	var errs []error
	for _, t := range j.targets {
		errs = append(errs, t.Close())
	}
	return errors.Join(errs...)
}

// isSamePath reports whether two paths lead to one file, or would, if neither
// exists yet.
func isSamePath(a, b string) bool {
	infoA, infoB := ui.StatFile(a), ui.StatFile(b)
	if infoA != nil || infoB != nil {
		return ui.IsSameFile(infoA, infoB)
	}
	return resolved(a) == resolved(b)
}

// resolved is the absolute path with all links of its directory followed.
func resolved(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	dir, base := filepath.Split(abs)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if link, err := os.Readlink(filepath.Join(dir, base)); err == nil && !filepath.IsAbs(link) {
		return filepath.Join(dir, link) // a link that leads nowhere yet
	}
	return filepath.Join(dir, base)
}
