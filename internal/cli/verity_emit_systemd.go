package cli

import (
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/hashes"
)

// emitVeritytab makes a line of veritytab(5). Fields are separated by blanks and
// cannot be quoted. Without a superblock, and with parity, the options carry what
// systemd understands since version 254.
func emitVeritytab(j *verityJob) (string, error) {
	w, err := j.placeWords(byTag)
	if err != nil {
		return "", err
	}
	options, err := j.systemdOptions(w)
	if err != nil {
		return "", err
	}
	fields := []string{j.mapName(), w.data, w.hash, fmt.Sprintf("%x", j.root)}
	if options != "" {
		fields = append(fields, options)
	}
	for _, field := range fields {
		if strings.ContainsFunc(field, isBlank) {
			return "", ui.Hint(ui.Usagef("--emit veritytab: %q cannot stand there: fields are separated by blanks", field),
				"--emit-data and --emit-hash say what the devices are called where the line is used")
		}
	}
	return strings.Join(fields, " "), nil
}

func isBlank(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }

// emitCmdline makes the kernel command line for systemd-veritysetup-generator(8),
// which finds partitions by the root hash alone.
func emitCmdline(j *verityJob) (string, error) {
	w, err := j.placeWords(byTag)
	if err != nil {
		return "", err
	}
	options, err := j.systemdOptions(w)
	if err != nil {
		return "", err
	}
	e := j.o.emit
	line := fmt.Sprintf("systemd.verity=yes %shash=%x", e.mount(), j.root)
	for _, p := range []struct {
		name, value string
		needed      bool
	}{
		{"data", w.data, e.partitionType == "" || e.data != ""},
		{"hash", w.hash, e.partitionType == "" || e.hash != ""},
		{"options", options, options != ""},
	} {
		if !p.needed {
			continue
		}
		value, err := kernelArgument(p.value)
		if err != nil {
			return "", err
		}
		line += fmt.Sprintf(" systemd.verity_%s_%s=%s", e.mount(), p.name, value)
	}
	return line, nil
}

// kernelArgument quotes a value as the kernel and systemd take it.
func kernelArgument(value string) (string, error) {
	switch {
	case strings.ContainsAny(value, "\"'\\") || strings.ContainsFunc(value, unicode.IsControl):
		return "", ui.Usagef("--emit cmdline: %q cannot stand on a kernel command line", value)
	case strings.ContainsFunc(value, unicode.IsSpace):
		return `"` + value + `"`, nil
	}
	return value, nil
}

// systemdOptions are the veritytab(5) options that the tree needs.
func (j *verityJob) systemdOptions(w placeWords) (string, error) {
	var o []string
	add := func(format string, args ...any) { o = append(o, fmt.Sprintf(format, args...)) }
	if j.o.geometry.hashOffset != 0 {
		add("hash-offset=%d", j.o.geometry.hashOffset)
	}
	if j.o.geometry.noSuperblock {
		add("superblock=no")
		add("format=%d", j.params.HashType)
		add("data-block-size=%d", j.params.DataBlockSize)
		add("hash-block-size=%d", j.params.HashBlockSize)
		add("data-blocks=%d", j.params.DataBlocks)
		add("salt=%s", saltText(j.params.Salt))
		add("hash=%s", kernelHash(j.params.Algorithm))
	}
	if j.o.fec.device != "" {
		add("fec-device=%s", w.fec)
		add("fec-offset=%d", j.o.fec.offset)
		add("fec-roots=%d", j.fec.Roots)
	}
	if der := j.signature; der != nil {
		add("root-hash-signature=base64:%s", base64.StdEncoding.EncodeToString(der))
	}
	for _, option := range o {
		if strings.Contains(option, ",") {
			return "", ui.Usagef("--emit: %q cannot stand there: options are separated by commas", option)
		}
	}
	return strings.Join(o, ","), nil
}

// kernelHash is the kernel's name of a hash algorithm.
func kernelHash(name string) string {
	if a, err := hashes.Lookup(name); err == nil {
		return a.Name
	}
	return name
}
