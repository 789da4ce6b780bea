package difftest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/verity"
)

// refusal is a table that at least one side may refuse.
type refusal struct {
	name  string
	lines []string
	disks []disk
	tree  *tree
	// differs is why only one side refuses it.
	differs string
}

// refusals returns the tables, each on disks of its own.
func refusals() []refusal {
	var list []refusal
	for _, text := range []string{
		"linear: 0 128 linear {0} 0; 128 64 linear {0} 0",
		"a gap: 0 64 linear {0} 0; 65 63 linear {0} 64",
		"an overlap: 0 64 linear {0} 0; 63 64 linear {0} 0",
		"not from 0: 8 64 linear {0} 0",
		"no length: 0 0 linear {0} 0",
		"unknown target: 0 64 nosuchtarget {0} 0",
		"linear without an offset: 0 64 linear {0}",
		"linear with a word more: 0 64 linear {0} 0 0",
		"linear with a bad offset: 0 64 linear {0} x",
		"linear with a negative offset: 0 64 linear {0} -1",
		"linear with hexadecimal digits: 0 64 linear {0} 0x10",
		"linear with a plus: 0 64 linear {0} +8",
		"linear past the end: 0 256 linear {0} 1",
		"linear far past the end: 0 64 linear {0} 36028797018963960",
		"linear on no device: 0 64 linear /dev/nosuchdevice 0",
		"linear on no number: 0 64 linear 250:250 0",
		"striped without stripes: 0 128 striped 0 8",
		"striped without chunk: 0 128 striped 2 0 {0} 0 {1} 0",
		"striped of odd chunks: 0 144 striped 2 12 {0} 0 {1} 0",
		"striped not in whole stripes: 0 129 striped 2 8 {0} 0 {1} 0",
		"striped not in whole chunks: 0 128 striped 2 24 {0} 0 {1} 0",
		"striped with one device short: 0 128 striped 3 8 {0} 0 {1} 0",
		"striped with one device more: 0 128 striped 1 8 {0} 0 {1} 0",
		"striped with a bad offset: 0 128 striped 2 8 {0} 0 {1} y",
		"striped past the end: 0 1024 striped 2 8 {0} 0 {1} 0",
		"striped in one chunk of all: 0 128 striped 1 128 {0} 0",
		"unstriped of a stripe too many: 0 64 unstriped 2 8 2 {0} 0",
		"unstriped of none: 0 64 unstriped 0 8 0 {0} 0",
		"unstriped without chunk: 0 64 unstriped 2 0 0 {0} 0",
		"unstriped not in whole chunks: 0 60 unstriped 2 8 0 {0} 0",
		"unstriped with a word less: 0 64 unstriped 2 8 0 {0}",
		"unstriped past the end: 0 200 unstriped 2 8 1 {0} 0",
		"zero with a word: 0 64 zero 1",
		"error with words: 0 64 error {0} 0",
		"error with one word: 0 64 error x",
		"delay with two words: 0 64 delay {0} 0",
		"delay with four words: 0 64 delay {0} 0 1 {1}",
		"delay with seven words: 0 64 delay {0} 0 1 {0} 0 1 {0}",
		"delay with a bad time: 0 64 delay {0} 0 soon",
		"delay with a negative time: 0 64 delay {0} 0 -1",
		"delay past the end of writes: 0 128 delay {0} 0 1 {1} 200 1",
		"flakey with words missing: 0 64 flakey {0} 0 1",
		"flakey with an unknown feature: 0 64 flakey {0} 0 60 0 1 nosuchfeature",
		"flakey never up nor down: 0 64 flakey {0} 0 0 0",
		"flakey with drop and error: 0 64 flakey {0} 0 0 60 2 drop_writes error_writes",
		"snapshot of an odd chunk: 0 64 snapshot {0} {1} P 12",
		"snapshot of an unknown kind: 0 64 snapshot {0} {1} X 8",
		"snapshot-origin with two words: 0 64 snapshot-origin {0} 0",
		"thin-pool with a small block: 0 64 thin-pool {0} {1} 64 0",
		"thin-pool with an odd block: 0 64 thin-pool {0} {1} 129 0",
		"thin-pool with an unknown feature: 0 64 thin-pool {0} {1} 128 0 1 nosuchfeature",
		"thin of no pool: 0 64 thin {0} 0",
		"cache with words missing: 0 64 cache {0} {1} {0} 64",
		"cache with an unknown policy: 0 64 cache {0} {1} {0} 64 0 nosuchpolicy 0",
		"switch without paths: 0 64 switch 0 8 0",
		"switch without region: 0 64 switch 1 0 0 {0} 0",
		"mirror of one leg: 0 64 mirror core 1 8 1 {0} 0",
		"mirror of an odd region: 0 64 mirror core 1 9 2 {0} 0 {1} 0",
		"mirror with an unknown log: 0 64 mirror nosuchlog 1 8 2 {0} 0 {1} 0",
		"raid of an unknown kind: 0 64 raid raid7 1 32 2 - {0} - {1}",
		"raid1 of one disk: 0 64 raid raid1 1 0 1 - {0}",
		"integrity in an unknown mode: 0 64 integrity {0} 0 4 X 0",
		"integrity without a hash size: 0 64 integrity {0} 0 - J 0",
		"writecache on neither: 0 64 writecache x {0} {1} 4096 0",
		"writecache of an odd block: 0 64 writecache s {0} {1} 1000 0",
		"multipath without groups: 0 64 multipath 0 0 0 1",
		"multipath with an unknown selector: 0 64 multipath 0 0 1 1 nosuchselector 0 1 1 {0} 1",
		"era of an odd block: 0 64 era {0} {1} 7",
		"log-writes with one device: 0 64 log-writes {0}",
	} {
		name, table, _ := strings.Cut(text, ": ")
		list = append(list, refusal{name: name, lines: strings.Split(table, "; "), disks: noise(128*kib, 128*kib)})
	}
	list = append(list, cryptRefusals()...)
	list = append(list, verityRefusals()...)
	for i := range list {
		list[i].differs = knownDifferences[list[i].name]
	}
	return list
}

func cryptRefusals() []refusal {
	var list []refusal
	for _, c := range []struct{ name, format string }{
		{"a good table", "0 64 crypt aes-xts-plain64 %s 0 {0} 0"},
		{"cut words", "0 64 crypt aes-xts-plain64 %s 0 {0}"},
		{"an unknown cipher", "0 64 crypt nosuchcipher-cbc-plain64 %s 0 {0} 0"},
		{"an unknown mode", "0 64 crypt aes-nosuchmode-plain64 %s 0 {0} 0"},
		{"an unknown iv", "0 64 crypt aes-cbc-nosuchiv 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"cts alone", "0 64 crypt aes-cts-plain64 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"a mode without an iv", "0 64 crypt aes-cbc 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"ecb with an iv", "0 64 crypt aes-ecb-plain64 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"essiv without a hash", "0 64 crypt aes-cbc-essiv 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"essiv with an unknown hash", "0 64 crypt aes-cbc-essiv:nosuchhash 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"essiv with a hash that is no key", "0 64 crypt aes-cbc-essiv:sha512 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"essiv with a hash of 28 bytes", "0 64 crypt aes-cbc-essiv:sha224 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"essiv with a hash of 20 bytes", "0 64 crypt aes-cbc-essiv:rmd160 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"lmk of eight keys with a seed of two", "0 64 crypt aes:8-cbc-lmk " + key("lmk", 9*16) + " 0 {0} 0"},
		{"benbi of a wide cipher", "0 64 crypt xchacha12,aes-adiantum-benbi 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 0 {0} 0"},
		{"three keys", "0 64 crypt aes:3-cbc-plain64 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff 0 {0} 0"},
		{"more keys than bytes", "0 64 crypt aes:64-cbc-plain64 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"a short key", "0 64 crypt aes-xts-plain64 %.62s 0 {0} 0"},
		{"a key of half a byte", "0 64 crypt aes-xts-plain64 %.63s 0 {0} 0"},
		{"a key that is no number", "0 64 crypt aes-cbc-plain64 0011223344556677zz99aabbccddeeff 0 {0} 0"},
		{"no key", "0 64 crypt aes-xts-plain64 - 0 {0} 0"},
		{"a key for no cipher", "0 64 crypt cipher_null-ecb 00 0 {0} 0"},
		{"a key that is not in the keyring", "0 64 crypt aes-xts-plain64 :64:logon:nosuchkey 0 {0} 0"},
		{"a key with two equal halves", "0 64 crypt aes-xts-plain64 " + strings.Repeat("00112233445566778899aabbccddeeff", 2) + " 0 {0} 0"},
		{"a bad iv offset", "0 64 crypt aes-xts-plain64 %s x {0} 0"},
		{"a negative iv offset", "0 64 crypt aes-xts-plain64 %s -1 {0} 0"},
		{"a start past the end", "0 64 crypt aes-xts-plain64 %s 0 {0} 200"},
		{"sectors of 256", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 sector_size:256"},
		{"sectors of 3072", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 sector_size:3072"},
		{"sectors of 8192", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 sector_size:8192"},
		{"half a sector", "0 60 crypt aes-xts-plain64 %s 0 {0} 0 1 sector_size:4096"},
		{"a start in mid sector", "0 64 crypt aes-xts-plain64 %s 0 {0} 4 1 sector_size:4096"},
		{"an iv offset in mid sector", "0 64 crypt aes-xts-plain64 %s 4 {0} 0 1 sector_size:4096"},
		{"an iv offset in mid sector, large", "0 64 crypt aes-xts-plain64 %s 4 {0} 0 2 sector_size:4096 iv_large_sectors"},
		{"large sectors of 512", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 iv_large_sectors"},
		{"lmk of 4096", "0 64 crypt aes-cbc-lmk 00112233445566778899aabbccddeeff 0 {0} 0 1 sector_size:4096"},
		{"tcw of 4096", "0 64 crypt aes-cbc-tcw %.96s 0 {0} 0 1 sector_size:4096"},
		{"eboiv of a stream", "0 64 crypt aes-ctr-eboiv 00112233445566778899aabbccddeeff 0 {0} 0"},
		{"an unknown option", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 nosuchoption"},
		{"an option count too large", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 2 allow_discards"},
		{"an option count too small", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 allow_discards same_cpu_crypt"},
		{"no options counted", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 0"},
		{"an option twice", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 2 allow_discards allow_discards"},
		{"an option in capitals", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 ALLOW_DISCARDS"},
		{"integrity without an integrity device", "0 64 crypt capi:gcm(aes)-random %.64s 0 {0} 0 1 integrity:28:aead"},
		{"capi without the end", "0 64 crypt capi:xts(aes-plain64 %s 0 {0} 0"},
		{"capi of nothing", "0 64 crypt capi: %s 0 {0} 0"},
	} {
		line := c.format
		if strings.Contains(line, "%") {
			line = fmt.Sprintf(c.format, key("refused", 64))
		}
		list = append(list, refusal{name: "crypt: " + c.name, lines: []string{line}, disks: noise(128 * kib)})
	}
	return list
}

func verityRefusals() []refusal {
	const head, tail = "0 320 verity ", " sha256 {root} {salt}"
	var list []refusal
	for _, c := range []struct{ name, line string }{
		{"a good table", head + "1 {0} {1} 4096 4096 40 0" + tail},
		{"a word missing", head + "1 {0} {1} 4096 4096 40 0 sha256 {root}"},
		{"version 2", head + "2 {0} {1} 4096 4096 40 0" + tail},
		{"data blocks of 1000", head + "1 {0} {1} 1000 4096 40 0" + tail},
		{"data blocks of 256", head + "1 {0} {1} 256 4096 40 0" + tail},
		{"data blocks of 8192", head + "1 {0} {1} 8192 4096 20 0" + tail},
		{"hash blocks of 8192", head + "1 {0} {1} 4096 8192 40 0" + tail},
		{"hash blocks of 131072", head + "1 {0} {1} 4096 131072 40 0" + tail},
		{"hash blocks of 0", head + "1 {0} {1} 4096 0 40 0" + tail},
		{"no blocks", head + "1 {0} {1} 4096 4096 0 0" + tail},
		{"fewer blocks than mapped", head + "1 {0} {1} 4096 4096 39 0" + tail},
		{"more blocks than mapped", head + "1 {0} {1} 4096 4096 41 0" + tail},
		{"more blocks than the device has", head + "1 {0} {1} 4096 4096 400000 0" + tail},
		{"half a block", "0 316 verity 1 {0} {1} 4096 4096 40 0" + tail},
		{"more blocks mapped than the device has", "0 640 verity 1 {0} {1} 4096 4096 80 0" + tail},
		{"not from 0", "0 8 zero; 8 320 verity 1 {0} {1} 4096 4096 40 0" + tail},
		{"a tree behind the end", head + "1 {0} {1} 4096 4096 40 1000" + tail},
		{"an unknown hash", head + "1 {0} {1} 4096 4096 40 0 nosuchhash {root} {salt}"},
		{"a hash in capitals", head + "1 {0} {1} 4096 4096 40 0 SHA256 {root} {salt}"},
		{"a root cut", head + "1 {0} {1} 4096 4096 40 0 sha256 00112233 {salt}"},
		{"a root of another hash", head + "1 {0} {1} 4096 4096 40 0 sha512 {root} {salt}"},
		{"a root that is no number", head + "1 {0} {1} 4096 4096 40 0 sha256 " + strings.Repeat("x0", 32) + " {salt}"},
		{"a salt that is no number", head + "1 {0} {1} 4096 4096 40 0 sha256 {root} zz"},
		{"a salt of half a byte", head + "1 {0} {1} 4096 4096 40 0 sha256 {root} 123"},
		{"a salt of 257", head + "1 {0} {1} 4096 4096 40 0 sha256 {root} " + strings.Repeat("00", 257)},
		{"a wrong root", head + "1 {0} {1} 4096 4096 40 0 sha256 " + strings.Repeat("00", 32) + " {salt}"},
		{"an unknown option", head + "1 {0} {1} 4096 4096 40 0" + tail + " 1 nosuchoption"},
		{"an option count too large", head + "1 {0} {1} 4096 4096 40 0" + tail + " 2 ignore_zero_blocks"},
		{"an option count too small", head + "1 {0} {1} 4096 4096 40 0" + tail + " 1 ignore_zero_blocks check_at_most_once"},
		{"no options counted", head + "1 {0} {1} 4096 4096 40 0" + tail + " 0"},
		{"two ways to deal with corruption", head + "1 {0} {1} 4096 4096 40 0" + tail + " 2 ignore_corruption restart_on_corruption"},
		{"one way twice", head + "1 {0} {1} 4096 4096 40 0" + tail + " 2 ignore_corruption ignore_corruption"},
		{"restart and panic", head + "1 {0} {1} 4096 4096 40 0" + tail + " 2 restart_on_corruption panic_on_corruption"},
		{"a zero blocks option twice", head + "1 {0} {1} 4096 4096 40 0" + tail + " 2 ignore_zero_blocks ignore_zero_blocks"},
		{"parity without roots", head + "1 {0} {1} 4096 4096 40 0" + tail + " 6 use_fec_from_device {2} fec_blocks 42 fec_start 0"},
		{"parity of one root", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 42 fec_start 0 fec_roots 1"},
		{"parity of 25 roots", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 42 fec_start 0 fec_roots 25"},
		{"parity of 24 roots", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 42 fec_start 0 fec_roots 24"},
		{"parity of no blocks", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 0 fec_start 0 fec_roots 2"},
		{"parity of fewer blocks than data", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 39 fec_start 0 fec_roots 2"},
		{"parity of data only", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 40 fec_start 0 fec_roots 2"},
		{"parity of more blocks than there are", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 420 fec_start 0 fec_roots 2"},
		{"parity behind the end", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 42 fec_start 10000 fec_roots 2"},
		{"parity roots without a device", head + "1 {0} {1} 4096 4096 40 0" + tail + " 2 fec_roots 2"},
		{"parity on no device", head + "1 {0} {1} 4096 4096 40 0" + tail + " 8 use_fec_from_device /dev/nosuchdevice fec_blocks 42 fec_start 0 fec_roots 2"},
		{"blocks of two sizes with parity", head + "1 {0} {1} 4096 1024 40 0" + tail + " 8 use_fec_from_device {2} fec_blocks 42 fec_start 0 fec_roots 2"},
	} {
		// The disks have the row's tree: blocks of 4096.
		t := tree{Params: verity.Params{HashType: 1, Salt: []byte("salt")}}.row("").tree
		list = append(list, refusal{
			name: "verity: " + c.name, lines: strings.Split(c.line, "; "), tree: t, disks: noise(160*kib, 160*kib, 160*kib),
		})
	}
	return list
}

// knownDifferences are the tables that only one side refuses, and why that stays.
var knownDifferences = map[string]string{
	"unstriped of a stripe too many":     "the kernel's check is off by one; what it maps then is no stripe",
	"crypt: an option count too small":   "the kernel drops words behind the count without a word",
	"verity: an option count too small":  "the kernel drops words behind the count without a word",
	"crypt: an option twice":             "the kernel takes it as given once; here it looks like a slip",
	"verity: a zero blocks option twice": "the kernel takes it as given once; here it looks like a slip",
	"verity: data blocks of 8192":        "a kernel takes no data blocks longer than its pages, which are longer on other machines",
	"verity: a hash in capitals":         "names of hashes are read as veritysetup reads them",
	"verity: a salt of 257":              "no superblock can hold it",
}

// TestRefusals checks the list itself.
func TestRefusals(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range refusals() {
		if seen[r.name] {
			t.Errorf("%s comes twice", r.name)
		}
		seen[r.name] = true
	}
	for name := range knownDifferences {
		if !seen[name] {
			t.Errorf("%s is no table of the list", name)
		}
	}
	if len(seen) < 150 {
		t.Errorf("%d tables, want at least 150", len(seen))
	}
}
