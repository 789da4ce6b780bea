package tables

import (
	"encoding/hex"
	"fmt"
	"strconv"
)

// VerityTable reads data that a hash tree proves. Line: <type> <data dev>
// <hash dev> <data block> <hash block> <#data blocks> <hash start> <alg>
// <root hex> <salt hex|-> [<#o> <o>...] (verity.rst).
type VerityTable struct {
	Start          uint64   `json:"start_bytes"`           // bytes
	Length         uint64   `json:"length_bytes"`          // bytes
	HashType       uint64   `json:"hash_type"`             // 1 the usual, 0 the first Chrome OS form
	DataDevice     string   `json:"data_device"`           // the data to be proven
	HashDevice     string   `json:"hash_device"`           // the hash tree
	DataBlockSize  uint64   `json:"data_block_size_bytes"` // bytes, on the line too
	HashBlockSize  uint64   `json:"hash_block_size_bytes"` // bytes, on the line too
	NumDataBlocks  uint64   `json:"num_data_blocks"`       // data blocks
	HashStartBlock uint64   `json:"hash_start_block"`      // hash blocks from the start of HashDevice to the top of the tree
	Algorithm      string   `json:"algorithm"`             // as the kernel spells it
	Digest         string   `json:"digest"`                // root hash, hexadecimal
	Salt           string   `json:"salt"`                  // hexadecimal, "-" for none ("" is written as "-")
	Params         []string `json:"params,omitempty"`      // option words after the count, values included; see Options
}

// VerityOptions are the option words of a [VerityTable]; 0, "" and false mean
// not given.
type VerityOptions struct {
	IgnoreCorruption    bool
	RestartOnCorruption bool
	PanicOnCorruption   bool
	RestartOnError      bool
	PanicOnError        bool
	IgnoreZeroBlocks    bool
	CheckAtMostOnce     bool
	TryVerifyInTasklet  bool
	FECDevice           string // use_fec_from_device
	FECRoots            uint64 // parity bytes of a codeword, 2 to 24
	FECBlocks           uint64 // blocks covered
	FECStart            uint64 // blocks from the start of FECDevice
	RootHashSigKeyDesc  string // keyring description of the root hash's signature
}

var verityOptions = grammar[VerityOptions]{target: "verity", field: "params", options: []option[VerityOptions]{
	{name: "ignore_corruption", set: toggle(func(o *VerityOptions) *bool { return &o.IgnoreCorruption })},
	{name: "restart_on_corruption", set: toggle(func(o *VerityOptions) *bool { return &o.RestartOnCorruption })},
	{name: "panic_on_corruption", set: toggle(func(o *VerityOptions) *bool { return &o.PanicOnCorruption })},
	{name: "restart_on_error", set: toggle(func(o *VerityOptions) *bool { return &o.RestartOnError })},
	{name: "panic_on_error", set: toggle(func(o *VerityOptions) *bool { return &o.PanicOnError })},
	{name: "ignore_zero_blocks", set: toggle(func(o *VerityOptions) *bool { return &o.IgnoreZeroBlocks })},
	{name: "check_at_most_once", set: toggle(func(o *VerityOptions) *bool { return &o.CheckAtMostOnce })},
	{name: "try_verify_in_tasklet", set: toggle(func(o *VerityOptions) *bool { return &o.TryVerifyInTasklet })},
	{name: "use_fec_from_device", values: 1, set: textual(func(o *VerityOptions) *string { return &o.FECDevice })},
	{name: "fec_blocks", values: 1, set: numeric(func(o *VerityOptions) *uint64 { return &o.FECBlocks }, 0, noLimit)},
	{name: "fec_start", values: 1, set: numeric(func(o *VerityOptions) *uint64 { return &o.FECStart }, 0, noLimit)},
	{name: "fec_roots", values: 1, set: numeric(func(o *VerityOptions) *uint64 { return &o.FECRoots }, 2, 24)},
	{name: "root_hash_sig_key_desc", values: 1, set: textual(func(o *VerityOptions) *string { return &o.RootHashSigKeyDesc })},
}}

// Options reads the option words.
func (t VerityTable) Options() (VerityOptions, error) {
	var o VerityOptions
	err := verityOptions.parse(&o, t.Params)
	return o, err
}

// Params is the inverse of [VerityTable.Options]: the option words in the
// order in which the kernel prints them. FEC numbers are written when FECDevice
// is set.
func (o VerityOptions) Params() []string {
	var words []string
	for _, f := range []struct {
		set  bool
		word string
	}{
		{o.IgnoreCorruption, "ignore_corruption"},
		{o.RestartOnCorruption, "restart_on_corruption"},
		{o.PanicOnCorruption, "panic_on_corruption"},
		{o.RestartOnError, "restart_on_error"},
		{o.PanicOnError, "panic_on_error"},
		{o.IgnoreZeroBlocks, "ignore_zero_blocks"},
		{o.CheckAtMostOnce, "check_at_most_once"},
		{o.TryVerifyInTasklet, "try_verify_in_tasklet"},
	} {
		if f.set {
			words = append(words, f.word)
		}
	}
	if o.FECDevice != "" {
		words = append(words, "use_fec_from_device", o.FECDevice,
			"fec_blocks", strconv.FormatUint(o.FECBlocks, 10),
			"fec_start", strconv.FormatUint(o.FECStart, 10),
			"fec_roots", strconv.FormatUint(o.FECRoots, 10))
	}
	if o.RootHashSigKeyDesc != "" {
		words = append(words, "root_hash_sig_key_desc", o.RootHashSigKeyDesc)
	}
	return words
}

func (t VerityTable) start() uint64      { return t.Start }
func (t VerityTable) length() uint64     { return t.Length }
func (t VerityTable) targetType() string { return "verity" }
func (t VerityTable) value() Table       { return t }

func (t VerityTable) devices() []string {
	o, _ := t.Options() // of a malformed list the part before the error
	return []string{t.DataDevice, t.HashDevice, o.FECDevice}
}

func (t VerityTable) params() (string, error) {
	b := builder{target: "verity"}
	b.check(t.words())
	b.number(t.HashType)
	b.word("data device", t.DataDevice)
	b.word("hash device", t.HashDevice)
	b.number(t.DataBlockSize)
	b.number(t.HashBlockSize)
	b.number(t.NumDataBlocks)
	b.number(t.HashStartBlock)
	b.word("algorithm", t.Algorithm)
	b.word("root digest", t.Digest)
	b.wordOr("salt", t.Salt, "-")
	b.optionalGroup("params", t.Params)
	return b.done()
}

// words checks what the text of a verity table can get wrong.
func (t VerityTable) words() error {
	if t.HashType > 1 {
		return failf("verity", "version", ErrInvalid, "found %d, want 0 or 1", t.HashType)
	}
	if _, err := hex.DecodeString(t.Digest); err != nil {
		return failf("verity", "root digest", ErrSyntax, "found %d characters, want pairs of hexadecimal digits", len(t.Digest))
	}
	if _, err := hex.DecodeString(t.Salt); err != nil && t.Salt != "-" {
		return failf("verity", "salt", ErrSyntax, "found %d characters, want pairs of hexadecimal digits, or -", len(t.Salt))
	}
	_, err := t.Options()
	return err
}

func parseVerity(start, length uint64, r *reader) Table {
	t := VerityTable{Start: start, Length: length}
	t.HashType = r.number("version")
	t.DataDevice = r.word("data device")
	t.HashDevice = r.word("hash device")
	t.DataBlockSize = r.number("data block size")
	t.HashBlockSize = r.number("hash block size")
	t.NumDataBlocks = r.number("data blocks")
	t.HashStartBlock = r.number("hash start")
	t.Algorithm = r.word("algorithm")
	t.Digest = r.word("root digest")
	t.Salt = r.word("salt")
	t.Params = r.optionalGroup("params", noLimit)
	if r.err == nil {
		r.check(t.words())
	}
	return t
}

// maxVerityBlock is veritysetup's largest block in bytes; a kernel takes data
// blocks up to its page size.
const maxVerityBlock = 524288

func (t VerityTable) check() error {
	for _, s := range []struct {
		field string
		size  uint64
	}{{"data block size", t.DataBlockSize}, {"hash block size", t.HashBlockSize}} {
		if !powerOfTwo(s.size, SectorSize, maxVerityBlock) {
			return failf("verity", s.field, ErrInvalid, "%d bytes: want a power of two, 512 to %d", s.size, maxVerityBlock)
		}
	}
	if t.NumDataBlocks == 0 || t.NumDataBlocks > maxBytes/t.DataBlockSize {
		return failf("verity", "data blocks", ErrInvalid, "%d blocks of %d bytes: want 1 block to 2^63 bytes", t.NumDataBlocks, t.DataBlockSize)
	}
	if t.HashStartBlock > maxBytes/t.HashBlockSize {
		return failf("verity", "hash start", ErrInvalid, "block %d of %d bytes is beyond 2^63 bytes", t.HashStartBlock, t.HashBlockSize)
	}
	if uint64(len(t.Digest)) > t.HashBlockSize {
		return failf("verity", "root digest", ErrInvalid, "two digests of %d bytes do not fit in a hash block of %d", len(t.Digest)/2, t.HashBlockSize)
	}
	o, err := t.Options()
	if err != nil {
		return err
	}
	return o.check(t.DataBlockSize, t.HashBlockSize)
}

// check finds options that exclude each other.
func (o VerityOptions) check(dataBlock, hashBlock uint64) error {
	if err := onlyOne("corruption", o.IgnoreCorruption, o.RestartOnCorruption, o.PanicOnCorruption); err != nil {
		return err
	}
	if err := onlyOne("error", o.RestartOnError, o.PanicOnError); err != nil {
		return err
	}
	if o.FECDevice == "" {
		return nil
	}
	if o.FECRoots == 0 {
		return failf("verity", "fec_roots", ErrInvalid, "it is missing")
	}
	if dataBlock != hashBlock {
		return failf("verity", "use_fec_from_device", ErrInvalid, "data and hash blocks must be of one size, found %d and %d", dataBlock, hashBlock)
	}
	return nil
}

func onlyOne(what string, modes ...bool) error {
	n := 0
	for _, m := range modes {
		if m {
			n++
		}
	}
	if n > 1 {
		return &ParseError{Target: "verity", Field: "params", Err: fmt.Errorf("%w: there are %d %s modes, want one", ErrInvalid, n, what)}
	}
	return nil
}

// VerityStatus is the status of a verity target.
type VerityStatus struct {
	StatusHeader
	Corrupted bool `json:"corrupted"` // C: a check has failed since the table was loaded; false: V
	// FECCorrected are the blocks that error correction has repaired; nil: it is
	// not used. Kernels before that counter do not print it (Printed is 1).
	FECCorrected *uint64 `json:"fec_corrected_blocks"`
}

func (VerityStatus) targetType() string { return "verity" }

func (s VerityStatus) write(w *statusWriter) {
	w.flag(s.Corrupted, "C", "V")
	w.maybe(s.FECCorrected)
}

func parseVerityStatus(h StatusHeader, r *reader) Status {
	s := VerityStatus{Corrupted: r.flag("verdict", "C", "V")}
	if r.more() {
		s.FECCorrected = r.maybe("corrected blocks")
	}
	s.StatusHeader = r.tail(h)
	return s
}
