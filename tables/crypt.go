package tables

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// The plain keyword options of a crypt table, as they stand in
// [CryptTable].Flags.
const (
	// CryptFlagAllowDiscards passes discards to the device.
	CryptFlagAllowDiscards = "allow_discards"
	// CryptFlagSameCPUCrypt encrypts on the CPU that submitted the request.
	CryptFlagSameCPUCrypt = "same_cpu_crypt"
	// CryptFlagSubmitFromCryptCPUs submits writes from the encrypting thread.
	CryptFlagSubmitFromCryptCPUs = "submit_from_crypt_cpus"
	// CryptFlagNoReadWorkqueue decrypts without a work queue.
	CryptFlagNoReadWorkqueue = "no_read_workqueue"
	// CryptFlagNoWriteWorkqueue encrypts without a work queue.
	CryptFlagNoWriteWorkqueue = "no_write_workqueue"
	// CryptFlagHighPriority gives the threads high priority.
	CryptFlagHighPriority = "high_priority"
	// CryptFlagIVLargeSectors makes the IV count encryption sectors instead of
	// 512-byte sectors.
	CryptFlagIVLargeSectors = "iv_large_sectors"
)

// CryptTable encrypts. Line: <cipher> <key> <iv offset> <dev> <start> [<#o>
// <o>...] (dm-crypt.rst).
//
// Printed with fmt or as JSON the key is zeros of the same length; [LineOf],
// [Format] and [EncodeJSON] with ShowKeys give it. fmt cannot ask a value for
// its masked form when it stands in an unexported field of another struct, or
// under the verb %p, and then prints the bytes: do not keep tables in unexported
// fields of structs that get printed.
type CryptTable struct {
	Start            uint64   // bytes
	Length           uint64   // bytes; a multiple of SectorSize
	BackendDevice    string   // device that stores the encrypted data
	BackendOffset    uint64   // bytes
	Encryption       string   // "aes-xts-plain64", "capi:…"
	Key              []byte   // raw; nil and no KeyID: "-", the empty key
	KeyID            string   // keyring reference, ":32:logon:foobarkey"; excludes Key
	IVTweak          uint64   // 512-byte sectors, added to the IV sector (iv offset)
	Flags            []string // the CryptFlag… words
	SectorSize       uint64   // bytes of an encryption sector: 512 to 4096; 0: 512, not written
	Integrity        string   // "28:aead", what follows "integrity:"; "": none
	IntegrityKeySize uint64   // bytes of the MAC key inside Key; 0: not given
}

// cryptOptions reads the option words into the table itself.
var cryptOptions = grammar[CryptTable]{target: "crypt", field: "options", options: []option[CryptTable]{
	{name: CryptFlagAllowDiscards, set: addCryptFlag},
	{name: CryptFlagSameCPUCrypt, set: addCryptFlag},
	{name: CryptFlagHighPriority, set: addCryptFlag},
	{name: CryptFlagSubmitFromCryptCPUs, set: addCryptFlag},
	{name: CryptFlagNoReadWorkqueue, set: addCryptFlag},
	{name: CryptFlagNoWriteWorkqueue, set: addCryptFlag},
	{name: "integrity", colon: true, set: setCryptIntegrity},
	{name: "sector_size", colon: true, set: func(t *CryptTable, a option1) (err error) {
		t.SectorSize, err = parseCryptSector(a.values[0])
		return err
	}},
	{name: CryptFlagIVLargeSectors, set: addCryptFlag},
	{name: "integrity_key_size", colon: true, set: numeric(func(t *CryptTable) *uint64 { return &t.IntegrityKeySize }, 1, max32)},
}}

func addCryptFlag(t *CryptTable, a option1) error {
	t.Flags = append(t.Flags, a.word)
	return nil
}

// maxCryptTag is the largest tag and IV stored for one encryption sector, in
// bytes.
const maxCryptTag = 480

func setCryptIntegrity(t *CryptTable, a option1) error {
	size, kind, _ := strings.Cut(a.values[0], ":")
	if _, err := parseRange(size, 1, maxCryptTag); err != nil {
		return err
	}
	if _, err := oneOf(kind, "aead", "none"); err != nil {
		return err
	}
	t.Integrity = a.values[0]
	return nil
}

// parseCryptSector reads the value of sector_size.
func parseCryptSector(w string) (uint64, error) {
	n, err := parseRange(w, SectorSize, 4096)
	if err == nil && !powerOfTwo(n, SectorSize, 4096) {
		err = &finding{ErrInvalid, w, "512, 1024, 2048 or 4096"}
	}
	return n, err
}

// HasFlag says whether one of the CryptFlag… words is set; case does not
// matter, as for the kernel.
func (t CryptTable) HasFlag(flag string) bool {
	for _, f := range t.Flags {
		if equalFold(f, flag) {
			return true
		}
	}
	return false
}

func (t CryptTable) start() uint64      { return t.Start }
func (t CryptTable) length() uint64     { return t.Length }
func (t CryptTable) targetType() string { return "crypt" }
func (t CryptTable) value() Table       { return t }
func (t CryptTable) devices() []string  { return []string{t.BackendDevice} }

// maxCryptWords is the kernel's limit of option words.
const maxCryptWords = 9

func (t CryptTable) params() (string, error) {
	b := builder{target: "crypt"}
	b.word("cipher", t.Encryption)
	b.word("key", keyWord(&b, t.Key, t.KeyID))
	b.number(t.IVTweak)
	b.word("device", t.BackendDevice)
	b.sectors("start", t.BackendOffset)
	options := t.optionWords()
	b.limit("options", options, maxCryptWords)
	var read CryptTable
	b.check(cryptOptions.parse(&read, options))
	if b.err == nil && (read.SectorSize != t.SectorSize || read.Integrity != t.Integrity || read.IntegrityKeySize != t.IntegrityKeySize) {
		b.failf("flags", ErrSyntax, "sector_size, integrity and integrity_key_size have fields of their own")
	}
	b.optionalGroup("options", options)
	return b.done()
}

// optionWords puts the typed options among the flags where the kernel prints
// them: before iv_large_sectors, the size of the MAC key last.
func (t CryptTable) optionWords() []string {
	at := len(t.Flags)
	for i, f := range t.Flags {
		if equalFold(f, CryptFlagIVLargeSectors) {
			at = i
			break
		}
	}
	words := append([]string(nil), t.Flags[:at]...)
	if t.Integrity != "" {
		words = append(words, "integrity:"+t.Integrity)
	}
	if t.SectorSize != 0 {
		words = append(words, "sector_size:"+strconv.FormatUint(t.SectorSize, 10))
	}
	words = append(words, t.Flags[at:]...)
	if t.IntegrityKeySize != 0 {
		words = append(words, "integrity_key_size:"+strconv.FormatUint(t.IntegrityKeySize, 10))
	}
	return words
}

// keyWord is the key as the line has it.
func keyWord(b *builder, key []byte, id string) string {
	switch {
	case id != "" && key != nil:
		b.failf("key", ErrSyntax, "there is a key and a key id, want one of them")
	case id != "":
		if err := checkKeyID(id); err != nil {
			b.failf("key", ErrSyntax, "%s", err)
		}
		return id
	case len(key) > 0:
		return hex.EncodeToString(key)
	}
	return "-"
}

// readKeyWord reads the key word: hexadecimal, a keyring reference, or "-".
// Errors do not repeat it.
func readKeyWord(r *reader) (key []byte, id string) {
	w := r.word("key")
	switch {
	case r.err != nil || w == "-":
		return nil, ""
	case w[0] == ':':
		if err := checkKeyID(w); err != nil {
			r.failf("key", ErrSyntax, "%s", err)
		}
		return nil, w
	}
	key, err := decodeKey(w)
	if err != nil {
		r.fail("key", err)
	}
	return key, ""
}

// checkKeyID checks the form :<bytes>:<type>:<description>. Errors do not
// repeat the text, which may be a misplaced key.
func checkKeyID(id string) error {
	parts := strings.SplitN(id, ":", 4)
	if len(parts) != 4 || parts[0] != "" {
		return fmt.Errorf("a keyring reference has the form :BYTES:TYPE:DESCRIPTION")
	}
	if n, err := parseNumber(parts[1]); err != nil || n == 0 {
		return fmt.Errorf("the size in the keyring reference is not a positive decimal number")
	}
	switch parts[2] {
	case "logon", "user", "encrypted", "trusted":
	default:
		return fmt.Errorf("the type in the keyring reference is not logon, user, encrypted or trusted")
	}
	if parts[3] == "" {
		return fmt.Errorf("the description in the keyring reference is missing")
	}
	for i := 0; i < len(id); i++ {
		if isSpace(id[i]) {
			return fmt.Errorf("the keyring reference holds white space")
		}
	}
	return nil
}

func parseCrypt(start, length uint64, r *reader) Table {
	t := CryptTable{Start: start, Length: length}
	t.Encryption = r.word("cipher")
	t.Key, t.KeyID = readKeyWord(r)
	t.IVTweak = r.number("iv offset")
	t.BackendDevice = r.word("device")
	t.BackendOffset = r.sectors("start")
	options := r.optionalGroup("options", maxCryptWords)
	r.check(cryptOptions.parse(&t, options))
	return t
}

func (t CryptTable) check() error {
	return checkCrypt("crypt", t.Length, t.SectorSize, t.IVTweak, t.BackendOffset)
}

// checkCrypt is what crypt and inlinecrypt demand of their numbers.
func checkCrypt(target string, length, unit, ivOffset, offset uint64) error {
	if unit == 0 {
		unit = SectorSize
	}
	if length%unit != 0 {
		return failf(target, "length", ErrUnaligned, "%d bytes are not a multiple of the encryption sector of %d", length, unit)
	}
	if ivOffset%(unit/SectorSize) != 0 {
		return failf(target, "iv offset", ErrUnaligned, "%d sectors are not a multiple of the encryption sector of %d bytes", ivOffset, unit)
	}
	return checkBackend(target, "start", offset, length)
}

// CryptStatus is the status of a crypt target, which says nothing.
type CryptStatus struct{ StatusHeader }

func (CryptStatus) targetType() string { return "crypt" }

func (CryptStatus) write(*statusWriter) {}

func parseCryptStatus(h StatusHeader, r *reader) Status { return CryptStatus{r.tail(h)} }
