package luks

import (
	"io"
	"strings"

	"github.com/dmimg/dmimg/internal/hashes"
)

// FormatOptions say what header [Format] makes. The zero value is cryptsetup's default:
// LUKS2, aes-xts-plain64 with a random key of 512 bits, data from 16 MiB on, and one slot
// that takes 2 s to open.
type FormatOptions struct {
	Version int    // 1 or 2; 0: 2
	Cipher  string // "": aes-xts-plain64
	KeySize int    // bytes of the volume key, that of tags included; 0: as long as VolumeKey, or what cryptsetup takes
	Hash    string // LUKS1: of everything; LUKS2: of digest and splitter, and of PBKDF2 if Slot names none; "": sha256

	// SectorSize is the encryption sector in bytes, with LUKS2: 512, 1024, 2048 or 4096.
	// 0: 4096 if size and offset of the data are multiples of it by cryptsetup's rules,
	// else 512. cryptsetup asks block devices besides what they would like best.
	SectorSize int

	UUID             string // 36 characters; "": random
	Label, Subsystem string // LUKS2; 47 bytes at most

	// Integrity makes sectors carry tags, with LUKS2: "hmac-sha256", "hmac(sha256)",
	// "poly1305", "aead", …; "" and "none": no tags. Format writes the header only: the
	// dm-integrity area behind it is the caller's to format, see [Header.IntegrityFormat].
	Integrity              string
	IntegrityLegacyPadding bool // for who formats that area: no header says it, and Format does not look at it

	// MetadataSize and KeyslotsSize are bytes, with LUKS2: of one copy of the header, a
	// power of two from 16 KiB to 4 MiB, 0: 16 KiB; of the area for key slots, a multiple
	// of 4096, at most 128 MiB, 0: what is left before DataOffset, or of 16 MiB.
	MetadataSize, KeyslotsSize int64

	// DataOffset is where the data begins, in bytes, a multiple of 4096; with a detached
	// header, on the data device. Without DataOffsetSet, or where it is 0 and not Detached,
	// it is behind the header, or 0 with a detached one.
	DataOffset    int64
	DataOffsetSet bool

	Alignment int64 // bytes: DataOffset that is not given is rounded up to it; 0: 1 MiB
	DataSize  int64 // bytes of the device with the data; 0: that of the storage, not known if Detached; -1: not known
	Detached  bool  // the storage holds the header only

	VolumeKey []byte // nil: random. It stays the caller's
	Slot      SlotOptions
	Rand      io.Reader // nil: crypto/rand. For tests that repeat only
}

const (
	defaultCipher    = "aes-xts-plain64"
	defaultHeader    = 16 << 20 // bytes of a header of LUKS2 with its key slots
	defaultAlignment = 1 << 20  // bytes
	largestSector    = 4096     // bytes
)

// settled fills in what is not said, except what depends on the device, and refuses what
// cannot be.
func (o FormatOptions) settled() (FormatOptions, error) {
	o.Rand = randomness(o.Rand)
	if o.Version == 0 {
		o.Version = 2
	}
	if o.Version != 1 && o.Version != 2 {
		return o, option("version %d: want 1 or 2", o.Version)
	}
	var err error
	for _, settle := range []func(*FormatOptions) error{
		(*FormatOptions).settleHash, (*FormatOptions).settleTexts,
		(*FormatOptions).settleIntegrity, (*FormatOptions).settleCipher, (*FormatOptions).settleSlot,
	} {
		if err = settle(&o); err != nil {
			break
		}
	}
	return o, err
}

func (o *FormatOptions) settleHash() error {
	if o.Hash == "" {
		o.Hash = defaultHash
	}
	a, err := lookupHash(o.Hash)
	if err != nil {
		return wrap("hash", err)
	}
	if o.Version == 1 && a.Size < digest1 {
		return option("hash %s of %d bytes: LUKS1 wants at least %d", o.Hash, a.Size, digest1)
	}
	o.Hash = headerHash(a, o.Hash)
	return nil
}

// headerHash is how a header names a hash: as it was given, unless that is a name which the
// kernel knows and cryptsetup does not.
func headerHash(a hashes.Algorithm, name string) string {
	switch a.Name {
	case "rmd160":
		return "ripemd160"
	case "wp512":
		return "whirlpool"
	}
	return name
}

func (o *FormatOptions) settleTexts() error {
	switch {
	case o.UUID != "" && !isUUID(o.UUID):
		return option("uuid %q: want 32 hexadecimal digits, as in 6e7a3a52-0c19-4e3e-9a0c-8a6f0d4c1b2f", clip(o.UUID))
	case o.Version == 1 && o.Label+o.Subsystem != "":
		return option("LUKS1 has no label and no subsystem")
	}
	for _, t := range []struct{ what, text string }{{"label", o.Label}, {"subsystem", o.Subsystem}} {
		if err := putText(make([]byte, labelField), t.text); err != nil {
			return option("%s: %w", t.what, err)
		}
	}
	if o.UUID != "" {
		return nil
	}
	var err error
	o.UUID, err = randomUUID(o.Rand)
	return err
}

// labelField is how many bytes label and subsystem have in a header, a NUL included.
const labelField = 48

// settleCipher settles the key, too: both need what is known of tags already.
func (o *FormatOptions) settleCipher() error {
	o.Cipher = tableCipher(o.Cipher)
	if n := len(o.VolumeKey); o.VolumeKey != nil && o.KeySize != 0 && n != o.KeySize {
		return option("a volume key of %d bytes, but a key size of %d", n, o.KeySize)
	}
	if o.VolumeKey != nil {
		o.KeySize = len(o.VolumeKey)
	}
	mac, err := IntegrityKeySize(o.Integrity)
	if err != nil {
		return err
	}
	if o.KeySize == 0 {
		o.KeySize = usualKeySize(o.Cipher) + mac
	}
	if o.KeySize < 1 || o.KeySize > maxKey1 {
		return option("a volume key of %d bytes: want 1 to %d", o.KeySize, maxKey1)
	}
	if _, mode := splitCipher(o.Cipher); o.Version == 1 && strings.HasPrefix(mode, "hctr2") {
		return option("LUKS1 with %s: cryptsetup could not open its key slots, LUKS2 has another cipher for them", o.Cipher)
	}
	return o.tryDataCipher(SectorSize)
}

// tryDataCipher refuses a cipher that the data cannot have with sectors of the size.
func (o *FormatOptions) tryDataCipher(sectorSize int) error {
	if o.Integrity != "" {
		return tryTags(o.Cipher, o.Integrity, o.KeySize, sectorSize)
	}
	return tryCipher(o.Cipher, o.KeySize, sectorSize)
}

// settleSlot gives the first slot the hash of the header where it names none.
func (o *FormatOptions) settleSlot() error {
	if o.Slot.Slot == AnySlot {
		o.Slot.Slot = 0
	}
	if o.Slot.Unbound {
		return option("the first key slot holds the volume key and cannot be unbound")
	}
	var err error
	if o.Slot.Cost.Hash == "" && (o.Version == 1 || o.Slot.Cost.Type == kdfPBKDF2) {
		o.Slot.Cost.Hash = o.Hash
	}
	if o.Version == 2 && o.Slot.AFHash == "" {
		o.Slot.AFHash = o.Hash
	}
	o.Slot.Cost, err = o.Slot.Cost.settled(o.Version)
	return err
}
