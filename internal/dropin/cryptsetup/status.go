package cryptsetup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// statusAction prints the state of a mapping.
func (r *run) statusAction() error {
	return r.bodies.Machine.With(exit.Failed, func(s *live.Session) error {
		word := r.word(0)
		if err := live.CheckWord(word, exit.Failed); err != nil {
			return err
		}
		ref, shown, err := s.Named(word)
		if err != nil {
			return err
		}
		info, err := s.Control.Info(ref, kernel.InfoOptions{})
		switch {
		case errors.Is(err, kernel.ErrNotFound), errors.Is(err, kernel.ErrInvalid):
			r.printf("%s is inactive.\n", shown)
			return exit.New(exit.Device, ui.ExitFailed, "")
		case err != nil:
			return exit.New(exit.Failed, ui.ExitCode(err), exit.Sentence(err))
		case !info.HasLiveTable():
			return exit.Paramf("Device %s has no table.", word)
		}
		inUse := ""
		if info.OpenCount > 0 {
			inUse = " and is in use"
		}
		r.printf("%s is active%s.\n", shown, inUse)
		return r.describe(s, info)
	})
}

// types are what cryptsetup calls mappings by their UUIDs.
var types = []string{"PLAIN", "LUKS1", "LUKS2", "LOOPAES", "TCRYPT", "BITLK", "FVAULT2", "INTEGRITY", "VERITY"}

// describe prints what is known of an active mapping.
func (r *run) describe(s *live.Session, info kernel.Info) error {
	kind, _, _ := strings.Cut(strings.TrimPrefix(info.UUID, live.UUIDPrefix), "-")
	if !strings.HasPrefix(info.UUID, live.UUIDPrefix) || !slices.Contains(types, kind) {
		r.printf("  type:    n/a\n")
		return nil
	}
	ts, err := s.Control.Table(kernel.ByDevno(info.DevNo), kernel.TableOptions{NoFlush: true})
	if err != nil {
		return exit.New(exit.Failed, ui.ExitCode(err), exit.Sentence(err))
	}
	r.printf("  type:    %s\n", kind)
	t, ok := ts[0].(tables.CryptTable)
	if !ok {
		return nil
	}
	v := cryptState{table: t, size: length(ts), readOnly: info.ReadOnly(), place: s.Machine.Place}
	_, err = fmt.Fprint(r.Out, v.text())
	return err
}

// length is how many bytes a device has.
func length(ts []tables.Table) (n uint64) {
	for _, t := range ts {
		_, l := tables.Extent(t)
		n += l
	}
	return n
}

// cryptState is what status prints of a mapping of the target crypt.
type cryptState struct {
	table    tables.CryptTable
	size     uint64 // bytes
	readOnly bool
	place    func(word string) (device, file string)
}

// text is the report.
func (v cryptState) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	t := v.table
	cipher, integrity := plainSpec(t.Encryption)
	line("cipher:  %s", cipher)
	line("keysize: %d bits", 8*keyBytes(t))
	location := "dm-crypt"
	if t.KeyID != "" {
		location = "keyring"
	}
	line("key location: %s", location)
	if t.Integrity != "" {
		line("integrity: %s", integrity)
	}
	device, file := v.place(t.BackendDevice)
	line("device:  %s", device)
	if file != "" {
		line("loop:    %s", file)
	}
	line("sector size:  %d", max(t.SectorSize, sectorBytes))
	line("offset:  %d sectors", t.BackendOffset/sectorBytes)
	line("size:    %d sectors", v.size/sectorBytes)
	if t.IVTweak != 0 {
		line("skipped: %d sectors", t.IVTweak)
	}
	line("mode:    %s", map[bool]string{true: "readonly", false: "read/write"}[v.readOnly])
	if flags := v.flags(); flags != "" {
		line("flags:   %s", flags)
	}
	return b.String()
}

// flags are words with a blank behind each.
func (v cryptState) flags() (text string) {
	for _, f := range []struct{ flag, word string }{
		{tables.CryptFlagAllowDiscards, "discards"},
		{tables.CryptFlagSameCPUCrypt, "same_cpu_crypt"},
		{tables.CryptFlagSubmitFromCryptCPUs, "submit_from_crypt_cpus"},
		{tables.CryptFlagNoReadWorkqueue, "no_read_workqueue"},
		{tables.CryptFlagNoWriteWorkqueue, "no_write_workqueue"},
	} {
		if v.table.HasFlag(f.flag) {
			text += f.word + " "
		}
	}
	return text
}

// keyBytes is the length of the key of a table: of the one that it holds, or that its
// reference to the keyring begins with.
func keyBytes(t tables.CryptTable) (n int) {
	if t.KeyID == "" {
		return len(t.Key)
	}
	fmt.Sscanf(t.KeyID, ":%d:", &n)
	return n
}

// plainSpec is a cipher specification as it stands in headers: the kernel's crypto API names
// cipher and integrity as one, such as capi:authenc(hmac(sha256),xts(aes))-random.
func plainSpec(spec string) (cipher, integrity string) {
	api, ok := strings.CutPrefix(spec, "capi:")
	if !ok {
		return spec, ""
	}
	return api, "aead"
}
