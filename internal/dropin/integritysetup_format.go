package dropin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/popt"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
)

// integritysetupFormat makes an integrity device, of a file too.
func integritysetupFormat(r *run, c *popt.Line) (err error) {
	path := c.Words[0]
	a, err := r.readIntegrityAlgorithms(c)
	if err != nil {
		return err
	}
	defer a.wipe()
	journal, _ := ui.ParseSize(c.Values["journal-size"]) // which was checked, if it is there
	config := integrity.FormatConfig{
		TagSize: int(c.Number("tag-size", 0)), BlockSize: int(c.Number("sector-size", 0)),
		InternalHash: a.hash, JournalMAC: a.mac, JournalCrypt: a.journal,
		JournalSectors: journal / sectorSize, InterleaveSectors: int64(c.Number("interleave-sectors", 0)),
		SectorsPerBit: c.Number("bitmap-sectors-per-bit", 0),
		LegacyPadding: c.Has("integrity-legacy-padding"), LegacyHMAC: c.Has("integrity-legacy-hmac"),
		NoWipe: c.Has("no-wipe"),
	}
	data, meta, closeAll, err := openIntegrityFiles(path, c.Values["data-device"])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if err := r.confirm(c, path); err != nil {
		return err
	}
	if err := r.warnTagSize(config, a.spelled); err != nil {
		return cannotFormat(path, err)
	}
	return cannotFormat(path, r.formatIntegrity(c, data, meta, config, a.spelled))
}

// cannotFormat gives a failed format the tool's status and last line.
func cannotFormat(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return exit.New(exit.Device, ui.ExitCode(err), fmt.Sprintf("%s\nCannot format integrity for device %s.", exit.Sentence(err), path))
}

// confirm asks whoever sits at a terminal.
func (r *run) confirm(c *popt.Line, path string) error {
	f, ok := r.In.(*os.File)
	if c.Has("batch-mode") || !ok || !ui.IsTerminal(f) {
		return nil
	}
	fmt.Fprintf(r.Out, "\nWARNING!\n========\nThis will overwrite data on %s irrevocably.\n\nAre you sure? (Type 'yes' in capital letters): ", path)
	if answer, _ := bufio.NewReader(f).ReadString('\n'); strings.TrimSpace(answer) != "YES" {
		return exit.New(exit.Failed, ui.ExitFailed, "Operation aborted.")
	}
	return nil
}

// warnTagSize says, as the tool does, that tags are cut or filled.
func (r *run) warnTagSize(config integrity.FormatConfig, spelled string) error {
	h, err := integrity.NewHash(config.InternalHash, nil)
	if err != nil {
		return err
	}
	defer h.Close()
	if config.TagSize != 0 && config.TagSize != h.Size() {
		fmt.Fprintf(r.Out, "WARNING: Requested tag size %d bytes differs from %s size output (%d bytes).\n", config.TagSize, spelled, h.Size())
	}
	return nil
}

// formatIntegrity formats, wipes and reports.
func (r *run) formatIntegrity(c *popt.Line, data, meta integrity.Storage, config integrity.FormatConfig, spelled string) error {
	size, err := data.Size()
	if err != nil {
		return err
	}
	mode := ui.ProgressMode("auto")
	if c.Has("progress-json") {
		mode = "json"
	}
	progress := ui.NewProgress(r.Err, mode, "wipe", size)
	defer progress.Close()
	done := int64(0)
	config.Progress = func(now int64) {
		progress.Add(now - done)
		done = now
	}
	sb, _, err := integrity.Format(r.ctx, data, meta, config)
	if err != nil {
		return err
	}
	progress.Add(size - done)
	progress.Finish()
	if c.Has("batch-mode") {
		return nil
	}
	text := fmt.Sprintf("Formatted with tag size %d, internal integrity %s.\n", sb.TagSize, spelled)
	if !config.NoWipe {
		text += "Wiping device to initialize integrity checksum.\n"
	}
	_, err = fmt.Fprint(r.Out, text)
	return err
}

// openIntegrityFiles opens the devices for writing; meta is nil without a data device.
func openIntegrityFiles(path, dataPath string) (data, meta integrity.Storage, closeAll func() error, err error) {
	var files []volume.Backend
	closeAll = func() error {
		var errs []error
		for _, f := range files {
			errs = append(errs, f.Close())
		}
		return errors.Join(errs...)
	}
	for _, p := range []string{path, dataPath} {
		if p == "" {
			continue
		}
		if err := checkDevice(p); err != nil {
			return nil, nil, nil, errors.Join(err, closeAll())
		}
		f, err := volume.OpenFile(p, os.O_RDWR, 0)
		if err != nil {
			return nil, nil, nil, errors.Join(deviceError(p, "does not exist or access denied"), closeAll())
		}
		files = append(files, f)
	}
	if len(files) == 1 {
		return files[0], nil, closeAll, nil
	}
	if ui.IsSameFile(ui.StatFile(path), ui.StatFile(dataPath)) {
		return nil, nil, nil, errors.Join(exit.Paramf("Device %s cannot hold both data and tags apart.", path), closeAll())
	}
	return files[1], files[0], closeAll, nil
}
