package cryptsetup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
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

// describe prints what is known of an active mapping. A LUKS device whose header is not found
// has no type.
func (r *run) describe(s *live.Session, info kernel.Info) error {
	if !strings.HasPrefix(info.UUID, live.UUIDPrefix) || !slices.Contains(types, kind(info.UUID)) {
		r.printf("  type:    n/a\n")
		return nil
	}
	m, ok, err := r.look(s, info)
	switch {
	case err != nil:
		return err
	case ok && m.isLUKS() && m.header == nil:
		r.printf("  type:    n/a\n")
	default:
		r.printf("  type:    %s\n", kind(info.UUID))
	}
	if ok {
		r.printf("%s", m.text())
	}
	return m.Close()
}

// text is the report.
func (m mapped) text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	t := m.table
	cipher, integrity := headerSpec(t)
	line("cipher:  %s", cipher)
	line("keysize: %d bits", 8*keyBytes(t))
	location := "dm-crypt"
	if t.KeyID != "" {
		location = "keyring"
	}
	line("key location: %s", location)
	if integrity != "" {
		line("integrity: %s", integrity)
		if n, err := luks.IntegrityKeySize(integrity); err == nil && n > 0 {
			line("integrity keysize: %d bits", 8*n)
		}
	}
	line("device:  %s", m.device)
	if m.file != "" {
		line("loop:    %s", m.file)
	}
	line("sector size:  %d", max(t.SectorSize, sectorBytes))
	line("offset:  %d sectors", t.BackendOffset/sectorBytes)
	line("size:    %d sectors", t.Length/sectorBytes)
	if t.IVTweak != 0 {
		line("skipped: %d sectors", t.IVTweak)
	}
	line("mode:    %s", map[bool]string{true: "readonly", false: "read/write"}[m.info.ReadOnly()])
	if flags := m.flags(); flags != "" {
		line("flags:   %s", flags)
	}
	return b.String()
}

// flags are words with a blank behind each but the last one that there is.
func (m mapped) flags() (text string) {
	for _, f := range []struct{ flag, word string }{
		{tables.CryptFlagAllowDiscards, "discards "},
		{tables.CryptFlagSameCPUCrypt, "same_cpu_crypt "},
		{tables.CryptFlagSubmitFromCryptCPUs, "submit_from_crypt_cpus "},
		{tables.CryptFlagNoReadWorkqueue, "no_read_workqueue "},
		{tables.CryptFlagNoWriteWorkqueue, "no_write_workqueue"},
	} {
		if m.table.HasFlag(f.flag) {
			text += f.word
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

// headerSpec is a cipher specification as a header has it, and the kind of tags, "" for none:
// the kernel's crypto API names both as one, such as
// capi:authenc(hmac(sha256),xts(aes))-random.
func headerSpec(t tables.CryptTable) (cipher, integrity string) {
	spec, ok := strings.CutPrefix(t.Encryption, "capi:")
	if !ok || t.Integrity == "" {
		return t.Encryption, ""
	}
	api, iv, _ := strings.Cut(spec, ")-")
	if iv == "" {
		return spec, "aead" // a cipher that is its own mode, such as aegis128-random
	}
	template, inner, _ := strings.Cut(api, "(")
	switch template {
	case "authenc": // hmac(sha256),xts(aes)
		i := strings.LastIndexByte(inner, ',')
		mode, name, _ := strings.Cut(inner[i+1:], "(")
		return strings.TrimSuffix(name, ")") + "-" + mode + "-" + iv, inner[:max(i, 0)]
	case "rfc7539": // chacha20,poly1305
		name, mac, _ := strings.Cut(inner, ",")
		return name + "-" + iv, mac
	case "rfc4309": // ccm(aes)
		mode, name, _ := strings.Cut(inner, "(")
		return strings.TrimSuffix(name, ")") + "-" + mode + "-" + iv, "aead"
	}
	return inner + "-" + template + "-" + iv, "aead"
}
