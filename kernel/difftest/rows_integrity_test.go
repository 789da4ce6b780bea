package difftest

import (
	"fmt"
	"strings"
)

// countsReads is why the engine's status is another one: it counts blocks that do not fit
// their tags, each time that they are read, and a read that fails is taken apart by the
// kernel otherwise than here.
const countsReads = "counts the attempts to read what does not fit its tag"

// integrityRows are integrity with its own checksums. The kernel formats a disk of
// zeros at the first load, and prints the sizes that it chose.
func integrityRows() []row {
	hmac := key("hmac", 32)
	var list []row
	for _, c := range []struct {
		name, tag, mode string
		options         []string // given
		printed         string
	}{
		{"crc32c", "4", "J", []string{"internal_hash:crc32c"}, "8 " + journalWords + " internal_hash:crc32c"},
		{"crc32", "4", "J", []string{"internal_hash:crc32"}, "8 " + journalWords + " internal_hash:crc32"},
		{"xxhash64", "8", "J", []string{"internal_hash:xxhash64"}, "8 " + journalWords + " internal_hash:xxhash64"},
		{"sha1", "20", "J", []string{"internal_hash:sha1"}, "8 " + journalWords + " internal_hash:sha1"},
		{"sha256 of 4096", "32", "J", []string{"internal_hash:sha256", "block_size:4096"}, "9 block_size:4096 " + journalWords + " internal_hash:sha256"},
		{"hash cut to 8", "8", "J", []string{"internal_hash:sha256"}, "8 " + journalWords + " internal_hash:sha256"},
		{"hmac", "32", "J", []string{"internal_hash:hmac(sha256):" + hmac}, "8 " + journalWords + " internal_hash:hmac(sha256):" + hmac},
		{
			"journal encrypted", "4", "J",
			[]string{"internal_hash:crc32c", "journal_crypt:ctr(aes):" + hmac, "journal_mac:hmac(sha256):" + hmac},
			"10 " + journalWords + " internal_hash:crc32c journal_crypt:ctr(aes):" + hmac + " journal_mac:hmac(sha256):" + hmac,
		},
		{
			"bitmap", "4", "B",
			[]string{"internal_hash:crc32c"},
			"8 journal_sectors:* interleave_sectors:* buffer_sectors:* sectors_per_bit:* bitmap_flush_interval:* fix_padding fix_hmac internal_hash:crc32c",
		},
		{"no journal", "4", "D", []string{"internal_hash:crc32c"}, "6 journal_sectors:* interleave_sectors:* buffer_sectors:* fix_padding fix_hmac internal_hash:crc32c"},
		{"recalculate", "4", "J", []string{"internal_hash:crc32c", "recalculate"}, "9 recalculate " + journalWords + " internal_hash:crc32c"},
	} {
		r := row{
			name: "integrity/" + c.name, short: c.name == "crc32c", status: countsReads, disks: zeroed(1024 * kib),
			devices: []device{{
				lines:   []string{fmt.Sprintf("0 400 integrity {0} 0 %s %s %d %s interleave_sectors:128 fix_padding fix_hmac", c.tag, c.mode, len(c.options)+3, strings.Join(c.options, " "))},
				printed: []string{fmt.Sprintf("0 400 integrity {0} 0 %s %s %s", c.tag, c.mode, c.printed)},
			}},
		}
		list = append(list, r)
	}
	list = append(list, row{
		name: "integrity/meta_device", status: countsReads, disks: zeroed(256*kib, 256*kib), devices: []device{{
			lines:   []string{"0 400 integrity {0} 0 4 J 2 meta_device:{1} internal_hash:crc32c"},
			printed: []string{"0 400 integrity {0} 0 4 J 7 meta_device:{1} journal_sectors:* interleave_sectors:* buffer_sectors:* journal_watermark:* commit_time:* internal_hash:crc32c"},
		}},
	})
	return list
}

// journalWords are the options that the kernel adds.
const journalWords = "journal_sectors:* interleave_sectors:* buffer_sectors:* journal_watermark:* commit_time:* fix_padding fix_hmac"

// aeadRows are crypt on top of integrity.
func aeadRows() []row {
	const hmacXTS = "capi:authenc(hmac(sha256),xts(aes))-"
	var list []row
	for _, c := range []struct {
		spec      string
		key, tag  int
		integrity string
		options   string // besides integrity
		unit      int    // bytes; 0 means 512
		newer     bool
	}{
		{spec: hmacXTS + "random", key: 96, tag: 48, integrity: "48:aead"},
		{spec: hmacXTS + "plain64", key: 96, tag: 32, integrity: "32:aead", unit: 4096},
		{spec: hmacXTS + "random", key: 80, tag: 48, integrity: "48:aead", options: " integrity_key_size:16", newer: true},
		{spec: "capi:authenc(hmac(sha256),cbc(aes))-random", key: 64, tag: 48, integrity: "48:aead"},
		{spec: "capi:authenc(hmac(sha256),cbc(aes))-essiv:sha256", key: 64, tag: 32, integrity: "32:aead", options: " iv_large_sectors", unit: 2048},
		{spec: "capi:authenc(cmac(aes),ctr(aes))-random", key: 48, tag: 32, integrity: "32:aead"},
		{spec: "capi:gcm(aes)-random", key: 32, tag: 28, integrity: "28:aead"},
		{spec: "capi:gcm(aes)-plain64", key: 16, tag: 12, integrity: "12:aead"},
		{spec: "capi:rfc4106(gcm(aes))-random", key: 20, tag: 24, integrity: "24:aead"},
		{spec: "capi:rfc4309(ccm(aes))-random", key: 35, tag: 24, integrity: "24:aead"},
		{spec: "capi:rfc7539(chacha20,poly1305)-random", key: 32, tag: 28, integrity: "28:aead", unit: 4096},
		{spec: "capi:aegis128-random", key: 16, tag: 32, integrity: "32:aead"},
		{spec: "aes-xts-random", key: 64, tag: 16, integrity: "16:none"},
	} {
		block, count, size := "", 3, ""
		if c.unit != 0 {
			block, count, size = fmt.Sprintf(" block_size:%d", c.unit), 4, fmt.Sprintf(" sector_size:%d", c.unit)
		}
		options := "integrity:" + c.integrity + size + c.options
		below := fmt.Sprintf("0 256 integrity {0} 0 %d J %d%s interleave_sectors:128 fix_padding fix_hmac", c.tag, count, block)
		printed := fmt.Sprintf("0 256 integrity {0} 0 %d J %d%s %s", c.tag, count+3, block, strings.TrimSuffix(journalWords, " fix_hmac"))
		list = append(list, row{
			name: "crypt/" + c.spec + " " + options, newer: c.newer,
			disks: zeroed(1024 * kib),
			devices: []device{
				{name: "tags", lines: []string{below}, printed: []string{printed}},
				{lines: []string{fmt.Sprintf("0 256 crypt %s %s 0 {tags} 0 %d %s", c.spec, key(c.spec, c.key), strings.Count(options, " ")+1, options)}},
			},
		})
	}
	return list
}
