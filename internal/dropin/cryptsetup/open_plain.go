package cryptsetup

import (
	"errors"
	"strings"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/hashes"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/tables"
)

// Defaults of plain mode.
const (
	plainCipher  = "aes-cbc-essiv:sha256"
	plainHash    = "ripemd160"
	plainKeyBits = 256
)

// sectorBytes is the unit of offsets and sizes on the command line.
const sectorBytes = 512

// openPlain maps a device without a header.
func (r *run) openPlain() error {
	f, err := openFile(r.word(0), false)
	if err != nil {
		return err
	}
	_, herr := luks.Read(f)
	if err := errors.Join(f.Close(), r.notLUKS(herr)); err != nil {
		return err
	}
	t, err := r.plainTable()
	if err != nil {
		return err
	}
	return r.bodies.Machine.With(exit.Failed, func(s *live.Session) error {
		name := r.word(1)
		key, err := r.plainKey()
		if err != nil {
			return err
		}
		defer ui.Wipe(key)
		if err := free(s, name); err != nil {
			return err
		}
		return r.mapPlain(s, t, key)
	})
}

// notLUKS warns of a device that has a header of LUKS; err is what reading one answered.
func (r *run) notLUKS(err error) error {
	if err != nil && !errors.Is(err, luks.ErrHeader) && !errors.Is(err, luks.ErrUnsupported) || r.Has("batch-mode") {
		return nil
	}
	r.printf("WARNING: Device %s already contains a 'crypto_LUKS' superblock signature.\n", r.word(0))
	return r.confirm("Detected device signature(s) on " + r.word(0) + ". Proceeding further may damage existing data.")
}

// plainTable is the table, without its length and device.
func (r *run) plainTable() (t tables.CryptTable, err error) {
	t = tables.CryptTable{
		Encryption: plainCipher, SectorSize: r.Number("sector-size", sectorBytes),
		BackendOffset: r.Number("offset", 0), IVTweak: r.Number("skip", 0),
	}
	if r.Has("cipher") {
		t.Encryption = r.Values["cipher"]
	}
	if !strings.Contains(t.Encryption, "-") && !strings.HasPrefix(t.Encryption, "capi:") {
		t.Encryption += "-cbc-plain" // as the first ciphers were named
	}
	if r.Has("iv-large-sectors") {
		t.Flags = []string{tables.CryptFlagIVLargeSectors}
	}
	if t.BackendOffset > maxSectors || t.IVTweak > maxSectors || r.Number("size", 0) > maxSectors {
		return t, exit.Paramf("Device offset overflow.")
	}
	t.BackendOffset *= sectorBytes
	return t, nil
}

// maxSectors bounds offsets and sizes on the command line, so that no sum of them
// overflows.
const maxSectors = 1 << 50

// plainKey gets the key: of a file as it is, or of a passphrase by hashing. The caller
// wipes it.
func (r *run) plainKey() ([]byte, error) {
	size := int(r.Number("key-size", plainKeyBits) / 8)
	hash := plainHash
	if r.Has("hash") {
		hash = strings.ToLower(r.Values["hash"])
	}
	k := r.oldKey()
	raw := k.given() || k.path == "-" && hash == "plain"
	if raw {
		if r.Has("hash") && k.given() {
			r.printf("WARNING: The --hash parameter is being ignored in plain mode with keyfile specified.\n")
		}
		if r.Has("keyfile-size") {
			r.printf("WARNING: The --keyfile-size option is being ignored, the read size is the same as the encryption key size.\n")
		}
		k.size = uint64(size)
		return r.secret(k, r.prompt(), false)
	}
	h, err := crypt.ParsePlainHash(hash, size)
	switch {
	case errors.Is(err, hashes.ErrUnknown):
		return nil, exit.Paramf("Hash algorithm %s not supported.", hash)
	case err != nil:
		return nil, exit.Paramf("Key processing error (using hash %s).", hash)
	}
	pass, err := r.secret(k, r.prompt(), r.Has("verify-passphrase"))
	if err != nil {
		return nil, err
	}
	defer ui.Wipe(pass)
	return h.Key(pass), nil
}

// mapPlain maps the data.
func (r *run) mapPlain(s *live.Session, t tables.CryptTable, key []byte) (err error) {
	name := r.word(1)
	block, err := r.data(s, int(t.SectorSize))
	if err != nil {
		return errors.Join(err, block.Release())
	}
	defer func() { err = errors.Join(err, block.Release()) }()
	if t.Length, err = r.plainLength(block, t); err != nil {
		return err
	}
	if t.IVTweak%(t.SectorSize/sectorBytes) != 0 { // the kernel's own words would not help
		return exit.Devicef("The IV offset is not a multiple of the sector size.")
	}
	t.BackendDevice = block.Path
	if t.SectorSize == sectorBytes {
		t.SectorSize = 0 // older kernels do not know the word
	}
	c := r.crypt()
	c.Tables, c.VolumeKey, c.Place, c.UUID = []tables.Table{t}, key, activate.KeyOnTableLine, activate.DeviceUUID("PLAIN", "", name)
	_, err = s.Crypt(r.ctx, name, c)
	return explainMapping(name, err)
}

// fileBlock is what sizes that are asked for of a file must be multiples of, in bytes.
const fileBlock = 4096

// plainLength is how long the mapping is in bytes.
func (r *run) plainLength(block live.Block, t tables.CryptTable) (uint64, error) {
	rest := block.Size - int64(t.BackendOffset)
	length := int64(r.Number("size", 0)) * sectorBytes
	if r.Has("device-size") {
		length = r.size("device-size")
	}
	switch {
	case block.Info.Mode().IsRegular() && length%fileBlock != 0:
		return 0, exit.Paramf("Device size is not aligned to device logical block size.")
	case rest <= 0:
		return 0, exit.Paramf("Requested offset is beyond real size of device %s.", r.word(0))
	case length > rest:
		return 0, exit.Paramf("Device %s is too small.", r.word(0))
	case length == 0:
		length = rest - rest%sectorBytes
	}
	if length%int64(t.SectorSize) != 0 {
		return 0, exit.Paramf("Device size is not aligned to requested sector size.")
	}
	return uint64(length), nil
}
