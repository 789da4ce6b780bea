package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/crypt/luks"
)

// writeLUKSDump prints a header as "cryptsetup luksDump" does.
func writeLUKSDump(w io.Writer, path string, h *luks.Header) error {
	var b strings.Builder
	if h.Version == 1 {
		dump1(&b, path, h.V1)
	} else {
		dump2(&b, h.V2)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func dump1(b *strings.Builder, path string, h *luks.Header1) {
	fmt.Fprintf(b, "LUKS header information for %s\n\n", path)
	fmt.Fprintf(b, "Version:       \t1\nCipher name:   \t%s\nCipher mode:   \t%s\nHash spec:     \t%s\n",
		printable(h.Cipher), printable(h.Mode), printable(h.Hash))
	fmt.Fprintf(b, "Payload offset:\t%d\nMK bits:       \t%d\n", h.PayloadOffset, 8*h.KeySize)
	fmt.Fprintf(b, "MK digest:     \t%s\n", hexBytes(h.Digest[:]))
	fmt.Fprintf(b, "MK salt:       \t%s\n               \t%s\n", hexBytes(h.DigestSalt[:16]), hexBytes(h.DigestSalt[16:]))
	fmt.Fprintf(b, "MK iterations: \t%d\nUUID:          \t%s\n\n", h.DigestIterations, printable(h.UUID))
	for i, s := range h.Slots {
		if !s.Active {
			fmt.Fprintf(b, "Key Slot %d: DISABLED\n", i)
			continue
		}
		fmt.Fprintf(b, "Key Slot %d: ENABLED\n\tIterations:         \t%d\n", i, s.Iterations)
		fmt.Fprintf(b, "\tSalt:               \t%s\n\t                      \t%s\n", hexBytes(s.Salt[:16]), hexBytes(s.Salt[16:]))
		fmt.Fprintf(b, "\tKey material offset:\t%d\n\tAF stripes:            \t%d\n", s.Offset, s.Stripes)
	}
}

// hexBytes is bytes in hex, each with a space behind it.
func hexBytes(p []byte) string {
	var b strings.Builder
	for _, c := range p {
		fmt.Fprintf(&b, "%02x ", c)
	}
	return b.String()
}

// hexLines is bytes in hex, sixteen on a line, below each other.
func hexLines(p []byte) string {
	var lines []string
	for part := range slices.Chunk(p, 16) {
		lines = append(lines, hexBytes(part))
	}
	return strings.Join(lines, "\n\t            ")
}

func dump2(b *strings.Builder, h *luks.Header2) {
	m := h.Metadata
	or := func(s, none string) string {
		if s == "" {
			return none
		}
		return printable(s)
	}
	fmt.Fprintf(b, "LUKS header information\nVersion:       \t2\nEpoch:         \t%d\n", h.SequenceID)
	fmt.Fprintf(b, "Metadata area: \t%d [bytes]\nKeyslots area: \t%d [bytes]\n", h.Size, m.Config.KeyslotsSize)
	fmt.Fprintf(b, "UUID:          \t%s\nLabel:         \t%s\nSubsystem:     \t%s\n",
		or(h.UUID, "(no UUID)"), or(h.Label, "(no label)"), or(h.Subsystem, "(no subsystem)"))
	fmt.Fprintf(b, "Flags:       \t%s\n", words(m.Config.Flags, "(no flags)"))
	if r := mandatory(m); len(r) > 0 {
		fmt.Fprintf(b, "Requirements:\t%s\n", words(r, ""))
	}
	b.WriteString("\nData segments:\n")
	for _, id := range ids(m.Segments) {
		dumpSegment(b, id, m.Segments[id])
	}
	b.WriteString("Keyslots:\n")
	for _, id := range ids(m.Keyslots) {
		dumpKeyslot(b, m, id)
	}
	b.WriteString("Tokens:\n")
	for _, id := range ids(m.Tokens) {
		dumpToken(b, id, m.Tokens[id])
	}
	b.WriteString("Digests:\n")
	for _, id := range ids(m.Digests) {
		d := m.Digests[id]
		fmt.Fprintf(b, "  %d: %s\n", id, printable(d.Type))
		if d.Type == "pbkdf2" {
			fmt.Fprintf(b, "\tHash:       %s\n\tIterations: %d\n\tSalt:       %s\n\tDigest:     %s\n",
				printable(d.Hash), d.Iterations, hexLines(d.Salt), hexLines(d.Digest))
		}
	}
}

func dumpSegment(b *strings.Builder, id int, s *luks.Segment) {
	fmt.Fprintf(b, "  %d: %s\n\toffset: %d [bytes]\n", id, printable(s.Type), s.Offset)
	if s.Size.Dynamic {
		b.WriteString("\tlength: (whole device)\n")
	} else {
		fmt.Fprintf(b, "\tlength: %d [bytes]\n", s.Size.Bytes)
	}
	if s.Type == "crypt" {
		fmt.Fprintf(b, "\tcipher: %s\n\tsector: %d [bytes]\n", printable(s.Encryption), s.SectorSize)
	}
	if s.Integrity != nil {
		fmt.Fprintf(b, "\tintegrity: %s\n", printable(s.Integrity.Type))
	}
	if len(s.Flags) > 0 {
		fmt.Fprintf(b, "\tflags : %s\n", strings.Join(s.Flags, ", "))
	}
	b.WriteByte('\n')
}

func dumpKeyslot(b *strings.Builder, m *luks.Metadata, id int) {
	k := m.Keyslots[id]
	unbound := ""
	if isUnbound(m, id) {
		unbound = " (unbound)"
	}
	fmt.Fprintf(b, "  %d: %s%s\n", id, printable(k.Type), unbound)
	fmt.Fprintf(b, "\tKey:        %d bits\n\tPriority:   %s\n", 8*k.KeySize, priorityName(k))
	if k.Type == "luks2" {
		fmt.Fprintf(b, "\tCipher:     %s\n\tCipher key: %d bits\n", printable(k.Area.Encryption), 8*k.Area.KeySize)
		dumpKDF(b, k.KDF)
		fmt.Fprintf(b, "\tAF stripes: %d\n\tAF hash:    %s\n", k.AF.Stripes, printable(k.AF.Hash))
	}
	if k.Type == "reencrypt" {
		dumpRecoding(b, k)
	}
	if k.Type == "luks2" || k.Type == "reencrypt" {
		fmt.Fprintf(b, "\tArea offset:%d [bytes]\n\tArea length:%d [bytes]\n", k.Area.Offset, k.Area.Size)
	}
	for _, d := range digestsOf(m, id) {
		fmt.Fprintf(b, "\tDigest ID:  %d\n", d)
	}
}

// dumpRecoding prints the slot of a re-encryption, whose members are only known here.
func dumpRecoding(b *strings.Builder, k *luks.Keyslot) {
	word := func(raw json.RawMessage) string {
		var s string
		_ = json.Unmarshal(raw, &s) // anything else prints as nothing
		return printable(s)
	}
	fmt.Fprintf(b, "\t%-12s%s\n\t%-12s%s\n\t%-12s%s\n", "Mode:", word(k.Extra["mode"]),
		"Direction:", word(k.Extra["direction"]), "Resilience:", printable(k.Area.Type))
	if k.Area.Type == "checksum" {
		var size int
		_ = json.Unmarshal(k.Area.Extra["sector_size"], &size)
		fmt.Fprintf(b, "\t%-12s%s\n\t%-12s%d [bytes]\n", "Hash:", word(k.Area.Extra["hash"]), "Hash data:", size)
	}
}

func dumpKDF(b *strings.Builder, k *luks.KDF) {
	fmt.Fprintf(b, "\tPBKDF:      %s\n", printable(k.Type))
	if k.Type == "pbkdf2" {
		fmt.Fprintf(b, "\tHash:       %s\n\tIterations: %d\n", printable(k.Hash), k.Iterations)
	} else {
		fmt.Fprintf(b, "\tTime cost:  %d\n\tMemory:     %d\n\tThreads:    %d\n", k.Time, k.Memory, k.CPUs)
	}
	fmt.Fprintf(b, "\tSalt:       %s\n", hexLines(k.Salt))
}

func dumpToken(b *strings.Builder, id int, t *luks.Token) {
	fmt.Fprintf(b, "  %d: %s\n", id, printable(t.Type))
	var description string
	if t.Type == "luks2-keyring" && json.Unmarshal(t.Extra["key_description"], &description) == nil {
		fmt.Fprintf(b, "\tKey description: %s\n", printable(description))
	}
	for _, k := range t.Keyslots {
		fmt.Fprintf(b, "\tKeyslot:    %d\n", k)
	}
}
