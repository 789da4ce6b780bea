package difftest

import (
	"fmt"
	"strings"
)

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
			name: "integrity/" + c.name, short: c.name == "crc32c", disks: zeroed(1024 * kib),
			devices: []device{{
				lines:   []string{fmt.Sprintf("0 400 integrity {0} 0 %s %s %d %s interleave_sectors:128 fix_padding fix_hmac", c.tag, c.mode, len(c.options)+3, strings.Join(c.options, " "))},
				printed: []string{fmt.Sprintf("0 400 integrity {0} 0 %s %s %s", c.tag, c.mode, c.printed)},
			}},
		}
		list = append(list, r)
	}
	list = append(list, row{
		name: "integrity/meta_device", disks: zeroed(256*kib, 256*kib), devices: []device{{
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
	var list []row
	for _, c := range []struct {
		spec      string
		key, tag  int
		integrity string
	}{
		{"capi:authenc(hmac(sha256),xts(aes))-random", 96, 48, "48:aead"},
		{"capi:authenc(hmac(sha256),cbc(aes))-random", 64, 48, "48:aead"},
		{"capi:gcm(aes)-random", 32, 28, "28:aead"},
		{"capi:rfc7539(chacha20,poly1305)-random", 32, 28, "28:aead"},
		{"capi:aegis128-random", 16, 32, "32:aead"},
		{"aes-xts-random", 64, 16, "16:none"},
	} {
		below := fmt.Sprintf("0 256 integrity {0} 0 %d J 3 interleave_sectors:128 fix_padding fix_hmac", c.tag)
		list = append(list, row{
			name: "crypt/" + c.spec + " integrity " + c.integrity, notYet: "authenticated modes need the integrity target",
			disks: zeroed(1024 * kib),
			devices: []device{
				{name: "tags", lines: []string{below}, printed: []string{fmt.Sprintf("0 256 integrity {0} 0 %d J 6 %s", c.tag, strings.TrimSuffix(journalWords, " fix_hmac"))}},
				{lines: []string{fmt.Sprintf("0 256 crypt %s %s 0 {tags} 0 1 integrity:%s", c.spec, key(c.spec, c.key), c.integrity)}},
			},
		})
	}
	return list
}
