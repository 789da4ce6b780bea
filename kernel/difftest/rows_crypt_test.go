package difftest

import (
	"fmt"
	"strings"
)

// cipherRow is a cipher that is tried with several sector sizes.
type cipherRow struct {
	spec  string
	keys  []int // bytes
	short bool
}

// everyCipher are the pairs of cipher and mode, each with an IV that suits it.
var everyCipher = []cipherRow{
	{"aes-xts-plain64", []int{32, 48, 64}, true},
	{"aes-cbc-plain64", []int{16, 24, 32}, false},
	{"aes-ctr-plain64", []int{16, 32}, false},
	{"aes-ecb", []int{16, 24, 32}, false},
	{"aes-lrw-plain64", []int{32, 40, 48}, false},
	{"aes-pcbc-plain64", []int{16, 32}, false},
	{"capi:cts(cbc(aes))-plain64", []int{16, 32}, false},
	{"twofish-xts-plain64", []int{32, 48, 64}, false},
	{"twofish-cbc-plain64", []int{16, 24, 32}, true},
	{"twofish-ctr-plain64", []int{32}, false},
	{"twofish-ecb", []int{32}, false},
	{"twofish-lrw-benbi", []int{32, 48}, false},
	{"twofish-pcbc-plain64", []int{32}, false},
	{"capi:cts(cbc(twofish))-plain64", []int{32}, false},
	{"blowfish-cbc-plain64", []int{4, 16, 56}, false},
	{"blowfish-ctr-plain64", []int{16}, false},
	{"blowfish-ecb", []int{16}, false},
	{"blowfish-pcbc-plain64", []int{32}, false},
	{"capi:cts(cbc(blowfish))-plain64", []int{16}, false},
	{"cast5-cbc-plain64", []int{16}, false},
	{"cast5-ctr-plain64", []int{16}, false},
	{"cast5-ecb", []int{16}, false},
	{"cast5-pcbc-plain64", []int{16}, false},
	{"capi:cts(cbc(cast5))-plain64", []int{16}, false},
	{"des3_ede-cbc-plain64", []int{24}, false},
	{"des3_ede-ctr-plain64", []int{24}, false},
	{"des3_ede-ecb", []int{24}, false},
	{"des3_ede-pcbc-plain64", []int{24}, false},
	{"capi:cts(cbc(des3_ede))-plain64", []int{24}, false},
	{"xchacha12,aes-adiantum-plain64", []int{32}, true},
	{"xchacha20,aes-adiantum-plain64", []int{32}, false},
	{"cipher_null-ecb", []int{0}, false},
}

// everyIV are the ways of making IVs, with what they may be around. They run with all
// sector sizes that they are defined for.
var everyIV = []cipherRow{
	{"aes", []int{32}, false}, // means aes-cbc-plain
	{"aes-cbc-plain", []int{16}, false},
	{"aes-cbc-plain64be", []int{32}, false},
	{"aes-cbc-null", []int{32}, false},
	{"aes-cbc-benbi", []int{32}, false},
	{"aes-cbc-eboiv", []int{32}, true},
	{"aes-cbc-elephant", []int{32, 64}, true},
	{"aes-cbc-essiv:sha256", []int{16, 32}, true},
	{"aes-cbc-essiv:md5", []int{16}, false},
	{"aes-cbc-essiv:sha3-256", []int{32}, false},
	{"aes-cbc-essiv:blake2b-256", []int{32}, false},
	{"aes-cbc-essiv:wp256", []int{32}, false},
	{"aes-xts-plain", []int{64}, false},
	{"aes-xts-plain64be", []int{64}, false},
	{"aes-xts-null", []int{32}, false},
	{"aes-xts-benbi", []int{32}, false},
	{"aes-xts-eboiv", []int{32}, false},
	{"aes-ctr-benbi", []int{32}, false},
	{"aes-ctr-plain", []int{16}, false},
	{"aes-ctr-plain64be", []int{16}, false},
	{"aes-lrw-benbi", []int{48}, false},
	{"aes-lrw-eboiv", []int{48}, false},
	{"aes-pcbc-essiv:sha256", []int{32}, false},
	{"twofish-cbc-essiv:sha256", []int{32}, false},
	{"twofish-xts-plain64be", []int{64}, false},
	{"twofish-ctr-plain64be", []int{32}, false},
	{"blowfish-cbc-benbi", []int{16}, false},
	{"blowfish-cbc-essiv:md5", []int{16}, false},
	{"cast5-cbc-plain64be", []int{16}, false},
	{"des3_ede-cbc-benbi", []int{24}, false},
	{"capi:essiv(cbc(aes),sha256)-plain64", []int{32}, false},
	{"capi:cbc(aes)-essiv:sha256", []int{32}, false},
	{"capi:cts(cbc(aes))-essiv:sha256", []int{32}, false},
	{"capi:xts(aes)-plain64", []int{64}, false},
	{"capi:adiantum(xchacha12,aes)-plain64", []int{32}, false},
	{"xchacha12,aes-adiantum-plain", []int{32}, false},
	{"aes:2-cbc-plain64", []int{32, 64}, false},
	{"aes:4-cbc-plain64", []int{64}, false},
	{"aes:2-cbc-essiv:sha256", []int{64}, false},
	{"aes:2-xts-plain64", []int{128}, false},
	{"aes:64-xts-plain64", []int{64 * 32}, false},
	{"xchacha20,aes:2-adiantum-plain64", []int{64}, false},
}

// sector512 are IV modes of sectors of 512 bytes only.
var sector512 = []cipherRow{
	{"aes-cbc-lmk", []int{16, 32}, true},
	{"aes:64-cbc-lmk", []int{64 * 16, 65 * 16, 64 * 32, 65 * 32}, true},
	{"aes:8-cbc-lmk", []int{8 * 16, 8 * 32}, false},
	{"aes-cbc-tcw", []int{48, 64}, true},
	{"aes-xts-tcw", []int{64 + 32}, false},
	{"twofish-cbc-tcw", []int{64}, false},
	{"serpent-cbc-tcw", []int{64}, false},
	{"blowfish-cbc-tcw", []int{16 + 24}, false},
	{"aes:2-cbc-tcw", []int{2*16 + 32}, false},
}

// rarerCiphers are ciphers in a mode or two each. Some come in modules that not every
// kernel of the lab has.
var rarerCiphers = []cipherRow{
	{"serpent-xts-plain64", []int{64}, false},
	{"camellia-xts-plain64", []int{64}, false},
	{"camellia-cbc-essiv:sha256", []int{32}, false},
	{"cast6-xts-plain64", []int{64}, false},
	{"sm4-xts-plain64", []int{32}, false},
	{"aria-xts-plain64", []int{64}, false},
	{"capi:hctr2(aes)-plain64", []int{32}, false},
}

func cryptRows() []row {
	var list []row
	for _, c := range everyCipher {
		list = append(list, c.rows(512, 4096)...)
	}
	for _, c := range everyIV {
		list = append(list, c.rows(512, 2048)...)
	}
	for _, c := range sector512 {
		list = append(list, c.rows(512)...)
	}
	for _, c := range rarerCiphers {
		for _, r := range c.rows(512, 4096) {
			r.extra = strings.Contains(c.spec, "sm4") || strings.Contains(c.spec, "aria") || strings.Contains(c.spec, "hctr2")
			list = append(list, r)
		}
	}
	return append(list, cryptOptionRows()...)
}

// rows are the cipher with every key and sector size. Larger keys come with IVs of far
// sectors, so that both are seen.
func (c cipherRow) rows(sectors ...int) []row {
	var list []row
	for i, bytes := range c.keys {
		for j, sector := range sectors {
			text := "-"
			if bytes > 0 {
				text = key(c.spec, bytes)
			}
			iv := 0
			if i > 0 {
				iv = 1<<33 - 64
			}
			line := fmt.Sprintf("0 128 crypt %s %s %d {0} 8", c.spec, text, iv)
			if sector != 512 {
				line += fmt.Sprintf(" 1 sector_size:%d", sector)
			}
			list = append(list, row{
				name:  fmt.Sprintf("crypt/%s key %d sector %d", c.spec, 8*bytes, sector),
				short: c.short && i == 0 && j == len(sectors)-1,
				disks: noise(68 * kib), devices: lines(line),
			})
		}
	}
	return list
}

// cryptOptionRows vary what is beside the cipher.
func cryptOptionRows() []row {
	var list []row
	add := func(name, format string, more ...row) {
		r := row{disks: noise(128 * kib)}
		if len(more) > 0 {
			r = more[0]
		}
		r.name, r.devices = "crypt/"+name, lines(fmt.Sprintf(format, key(name, 64)))
		list = append(list, r)
	}
	for _, sector := range []int{512, 1024, 2048, 4096} {
		add(fmt.Sprintf("sector %d", sector), fmt.Sprintf("0 192 crypt aes-xts-plain64 %%s 24 {0} 16 1 sector_size:%d", sector))
		add(fmt.Sprintf("sector %d iv_large_sectors", sector),
			fmt.Sprintf("0 192 crypt aes-xts-plain64 %%s 24 {0} 16 2 sector_size:%d iv_large_sectors", sector))
	}
	for i := range list {
		list[i].short = strings.HasSuffix(list[i].name, "4096 iv_large_sectors")
		if line := &list[i].devices[0]; strings.Contains(line.lines[0], "sector_size:512") { // the default is not printed
			text := strings.Replace(line.lines[0], " sector_size:512", "", 1)
			text = strings.TrimSuffix(strings.Replace(text, " 2 iv", " 1 iv", 1), " 1")
			line.printed = []string{text}
		}
	}
	add("offsets", "0 100 crypt aes-xts-plain64 %s 7 {0} 33")
	add("odd length", "0 129 crypt aes-xts-plain64 %s 0 {0} 0")
	add("one sector", "0 1 crypt aes-xts-plain64 %s 0 {0} 0")
	add("last iv offset", "0 64 crypt aes-xts-plain64 %s 18446744073709551552 {0} 0")
	add("iv offset over 32 bits", "0 64 crypt aes-xts-plain %s 4294967264 {0} 0")
	add("allow_discards", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 allow_discards")
	add("same_cpu_crypt", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 same_cpu_crypt")
	add("submit_from_crypt_cpus", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 1 submit_from_crypt_cpus")
	add("no workqueues", "0 64 crypt aes-xts-plain64 %s 0 {0} 0 2 no_read_workqueue no_write_workqueue")
	add("all options", "0 64 crypt aes-xts-plain64 %s 8 {0} 0 7 allow_discards same_cpu_crypt submit_from_crypt_cpus "+
		"no_read_workqueue no_write_workqueue sector_size:4096 iv_large_sectors")
	add("blocks of 4096", "0 128 crypt aes-xts-plain64 %s 0 {0} 8 1 sector_size:4096", row{disks: []disk{{size: 128 * kib, block: 4096}}})
	add("512 in blocks of 4096", "0 128 crypt aes-xts-plain64 %s 0 {0} 8", row{disks: []disk{{size: 128 * kib, block: 4096}}})
	add("read-only", "0 64 crypt aes-xts-plain64 %s 0 {0} 0", row{disks: noise(32 * kib), readOnly: true})
	k, other := key("first", 64), key("second", 32)
	return append(
		list,
		row{
			name: "crypt/two keys in one device", disks: noise(128 * kib),
			devices: lines("0 100 crypt aes-xts-plain64 "+k+" 0 {0} 0", "100 28 linear {0} 128", "128 64 crypt aes-cbc-essiv:sha256 "+other+" 0 {0} 160"),
		},
		row{
			name: "crypt/on crypt", disks: noise(128 * kib), devices: []device{
				{name: "below", lines: []string{"0 256 crypt aes-xts-plain64 " + k + " 0 {0} 0"}},
				{lines: []string{"0 128 crypt xchacha12,aes-adiantum-plain64 " + other + " 5 {below} 64"}},
			},
		},
		row{
			name: "crypt/on stripes", disks: noise(64*kib, 64*kib), devices: []device{
				{name: "s", lines: []string{"0 256 striped 2 8 {0} 0 {1} 0"}},
				{lines: []string{"0 256 crypt aes-xts-plain64 " + k + " 0 {s} 0 1 sector_size:4096"}},
			},
		},
		row{
			name: "crypt/over errors", disks: noise(64 * kib), devices: []device{
				{name: "e", lines: []string{"0 32 linear {0} 0", "32 8 error", "40 88 linear {0} 40"}},
				{lines: []string{"0 128 crypt aes-xts-plain64 " + k + " 0 {e} 0"}},
			},
		},
	)
}
