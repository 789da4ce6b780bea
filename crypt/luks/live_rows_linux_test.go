package luks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/crypt/luks"
)

// liveRow is an image: how cryptsetup formats it.
type liveRow struct {
	kind, cipher string // "luks1", "aes-xts-plain64"
	bits         int    // of the volume key
	sector       int    // bytes
	hash         string
	kdf          string
	detached     bool
	integrity    string // "hmac-sha256"; "": no tags
}

// liveCiphers are those that the kernels of the lab have and LUKS can name; aria, sm4 and
// hctr2 come with the extra modules.
var liveCiphers = []struct {
	name string
	bits []int
	all  []string // modes and IVs
}{
	{"aes", []int{256, 512}, []string{"xts-plain64"}},
	{"aes", []int{256}, []string{"cbc-essiv:sha256", "hctr2-plain64"}},
	{"aes", []int{384}, []string{"lrw-benbi"}},
	{"serpent", []int{256, 512}, []string{"xts-plain64"}},
	{"serpent", []int{128, 256}, []string{"cbc-plain"}},
	{"serpent", []int{256}, []string{"cbc-essiv:sha256", "ctr-plain64"}},
	{"serpent", []int{384}, []string{"lrw-benbi"}},
	{"twofish", []int{256, 384, 512}, []string{"xts-plain64"}},
	{"twofish", []int{192}, []string{"cbc-plain64"}},
	{"twofish", []int{256}, []string{"cbc-essiv:sha256"}},
	{"camellia", []int{256, 512}, []string{"xts-plain64"}},
	{"camellia", []int{128}, []string{"cbc-plain64"}},
	{"camellia", []int{256}, []string{"cbc-essiv:sha256"}},
	{"cast6", []int{512}, []string{"xts-plain64"}},
	{"cast5", []int{128}, []string{"cbc-plain64"}},
	{"blowfish", []int{256}, []string{"cbc-essiv:sha256"}},
	{"des3_ede", []int{192}, []string{"cbc-plain64"}},
	{"sm4", []int{256}, []string{"xts-plain64"}},
	{"sm4", []int{128}, []string{"cbc-plain64"}},
	{"aria", []int{256, 512}, []string{"xts-plain64"}},
	{"aria", []int{256}, []string{"cbc-essiv:sha256"}},
	{"xchacha12,aes", []int{256}, []string{"adiantum-plain64"}},
	{"xchacha20,aes", []int{256}, []string{"adiantum-plain64"}},
}

// liveRows has every cipher, mode and key size as LUKS1 and LUKS2; sizes of sectors, key
// derivations, hashes and the place of the header go round.
func liveRows() (rows []liveRow) {
	hashes := []string{"sha256", "sha512", "sha1", "ripemd160", "whirlpool"}
	kdfs := []string{"pbkdf2", "argon2id", "argon2i"}
	sectors := []int{512, 4096, 1024, 2048}
	n := 0
	for _, c := range liveCiphers {
		for _, mode := range c.all {
			for _, bits := range c.bits {
				spec := c.name + "-" + mode
				if mode != "hctr2-plain64" { // cryptsetup has no slots with its long IVs, which LUKS1 would need
					rows = append(rows, liveRow{"luks1", spec, bits, 512, hashes[n%5], "pbkdf2", n%4 == 3, ""})
				}
				rows = append(rows, liveRow{"luks2", spec, bits, sectors[n%4], hashes[(n+1)%5], kdfs[n%3], n%5 == 1, ""})
				n++
			}
		}
	}
	for i, c := range liveTagged {
		rows = append(rows, liveRow{"luks2", c.cipher, c.bits, sectors[i%2], "sha256", kdfs[i%3], i%2 == 1, c.integrity})
	}
	return rows
}

// liveTagged are ciphers whose sectors carry tags; bits are without the key of a MAC.
var liveTagged = []struct {
	cipher    string
	bits      int
	integrity string
}{
	{"aes-xts-plain64", 512, "hmac-sha256"},
	{"serpent-xts-plain64", 512, "hmac-sha512"},
	{"twofish-cbc-plain64", 256, "hmac-sha256"},
	{"aes-gcm-random", 256, "aead"},
	{"chacha20-random", 256, "poly1305"},
	{"aegis128-random", 128, "aead"},
	{"aes-ctr-plain64", 256, "cmac-aes"},
}

func (r liveRow) String() string {
	s := fmt.Sprintf("%s %s %d %d %s %s", r.kind, r.cipher, r.bits, r.sector, r.hash, r.kdf)
	if r.integrity != "" {
		s += " " + r.integrity
	}
	if r.detached {
		s += " detached"
	}
	return s
}

// isOurs reports whether cryptsetup 2.6.1 only opens what our code formats: its luksFormat
// fails for them.
func (r liveRow) isOurs() bool {
	return strings.HasPrefix(r.cipher, "aes-hctr2") || r.integrity == "cmac-aes"
}

// formatArgs are the options of luksFormat.
func (r liveRow) formatArgs() []string {
	args := []string{"--type", r.kind, "--cipher", r.cipher, "--key-size", fmt.Sprint(r.bits), "--hash", r.hash}
	if r.kind == "luks1" {
		args = append(args, "--pbkdf-force-iterations", "1000")
	} else {
		args = append(args, "--sector-size", fmt.Sprint(r.sector), "--pbkdf", r.kdf, "--luks2-keyslots-size", "512k")
		if r.kdf == "pbkdf2" {
			args = append(args, "--pbkdf-force-iterations", "1000")
		} else {
			args = append(args, "--pbkdf-force-iterations", "4", "--pbkdf-memory", "32", "--pbkdf-parallel", "1")
		}
	}
	if r.integrity != "" {
		args = append(args, "--integrity", r.integrity)
	}
	return args
}

// formatOptions are the same for our code.
func (r liveRow) formatOptions(t *testing.T) luks.FormatOptions {
	t.Helper()
	cost := luks.Cost{Type: r.kdf, Iterations: 1000}
	if r.kdf != "pbkdf2" {
		cost = luks.Cost{Type: r.kdf, Iterations: 4, Memory: 32, Parallel: 1}
	}
	o := luks.FormatOptions{
		Version: 1, Cipher: r.cipher, KeySize: r.bits / 8, Hash: r.hash, Detached: r.detached, Integrity: r.integrity,
		Slot: luks.SlotOptions{Slot: luks.AnySlot, Cost: cost},
	}
	if r.integrity != "" {
		n, err := luks.IntegrityKeySize(r.integrity)
		if err != nil {
			t.Fatal(err)
		}
		o.KeySize += n
	}
	if r.kind == "luks2" {
		o.Version, o.SectorSize, o.KeyslotsSize = 2, r.sector, 512<<10
	}
	return o
}
