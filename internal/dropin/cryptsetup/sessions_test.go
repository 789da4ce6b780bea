package cryptsetup_test

import "strings"

// What keeps the sessions short.
const (
	fast  = " --pbkdf pbkdf2 --pbkdf-force-iterations 1000"
	fast1 = " --pbkdf-force-iterations 1000"
	uuid  = " --uuid=" + givenUUID
)

// keys are the key files of every session: k opens slot 0, k1 to k3 are for others.
func keys() map[string]string {
	return map[string]string{
		"k": "pass", "kn": "pass\n", "k1": "slot1", "k2": "slot2", "k3": "slot3", "k4": "slot4", "w": "wrong", "empty": "", "nl": "\n",
		"long": strings.Repeat("a", 600), "vk": strings.Repeat("v", 64), "vk2": strings.Repeat("w", 64),
	}
}

// luks2 and luks1 begin a session with a device that has slots 0, 1 and 2.
var (
	luks2 = []step{
		{line: "luksFormat -q @d @k --volume-key-file @vk --sector-size 512 --offset 9216" + fast + uuid},
		{line: "luksAddKey -q @d @k1 -d @k" + fast},
		{line: "luksAddKey -q @d @k2 -d @k" + fast},
	}
	luks1 = []step{
		{line: "luksFormat -q --type luks1 @d @k --volume-key-file @vk" + fast1 + uuid},
		{line: "luksAddKey -q @d @k1 -d @k" + fast1},
		{line: "luksAddKey -q @d @k2 -d @k" + fast1},
	}
)

// grammar are command lines that do nothing to a device.
func grammar() (steps []step) {
	for _, line := range strings.Split(strings.TrimSpace(grammarLines), "\n") {
		steps = append(steps, step{line: strings.TrimSpace(line)})
	}
	return append(steps,
		step{words: []string{}}, step{words: []string{""}},
		step{words: []string{"--test-args", "open", "--type", "plain", "a", "b", "--device-size= 5"}},
		step{line: "luksFormat --type foo @d @k", differ: "says why", code: 1, says: "Unrecognized metadata device type foo"},
		step{line: "reencrypt @d", differ: "says why", code: 1, says: "Re-encryption is not supported"},
		step{line: "luksSuspend x", differ: "not supported", code: 1, says: "close the device instead"},
		step{line: "luksResume x", differ: "not supported", code: 1, says: "close the device instead"},
		step{line: "tcryptDump @d", differ: "not supported", code: 1, says: "TCRYPT devices are not supported"},
		step{line: "bitlkDump @d", differ: "not supported", code: 1, says: "BITLK devices are not supported"},
		step{line: "fvault2Dump @d", differ: "not supported", code: 1, says: "FVAULT2 devices are not supported"},
		step{line: "open --type tcrypt @d x -d @k", differ: "not supported", code: 1, says: "TCRYPT devices are not supported"},
		step{line: "--version", differ: "says what it is", says: "cryptsetup 2.6.1 (dmimg"},
		step{line: "-V isLuks", differ: "says what it is", says: "cryptsetup 2.6.1 (dmimg"},
		step{line: "--help", differ: "words of its own", says: "luksKillSlot <device> <key slot> - "},
		step{line: "-?", differ: "words of its own", says: "-q, --batch-mode"},
	)
}

const grammarLines = `
	bogus
	--bogus
	-x
	-q
	--=x
	isLuks --verbose=1
	isLuks
	open
	close
	status
	erase
	luksOpen @d
	luksFormat
	luksKillSlot @d
	luksKillSlot @d -1
	luksKillSlot @d -- -1
	token @d
	token add
	token foo @d
	token export @d
	token remove @d
	token unassign @d
	token add @d
	refresh
	FORMAT @d
	isluks @d
	--usage
	isLuks -qv @none -- --bogus
	bogus --key-size=7
	bogus --sector-size=3
	bogus --key-slot=-1
	bogus --priority=foo
	bogus --pbkdf=foo
	bogus --luks2-metadata-size=x
	--key-size=7 --help
	luksFormat --sector-size=x @d
	luksFormat -s x @d
	luksFormat -s -5 @d
	luksFormat --iter-time=x @d
	luksFormat --keyfile-size=9999999999 @d
	isLuks @d -S 0
	isLuks @d -S x
	isLuks --use-random --use-urandom
	isLuks @d -d a -d b
	luksFormat --unbound @d
	luksFormat --unbound
	luksDump --test-passphrase @d
	luksDump @d --unbound
	luksDump @d --dump-volume-key --unbound
	luksDump @d --key-size=256
	config @d
	config @d --priority=normal
	config @d --priority=foo -S 1
	open --type=foo @d
	open --type=foo @d name
	open @d b --unbound
	open @d b --offset=1
	open @d b --skip=1
	open @d b --shared
	open @d b --tcrypt-hidden
	open @d b --veracrypt
	open @d b --iv-large-sectors
	open @d b --sector-size=512
	open @d b --refresh --test-passphrase
	open @d b --persistent --test-passphrase
	open @d --test-passphrase --type plain
	plainOpen @d b --test-passphrase
	close a --deferred --cancel-deferred
	open --cancel-deferred a
	luksFormat @d --use-random --use-urandom
	luksFormat @d --align-payload=1 --offset=1
	luksFormat @d --integrity-no-wipe
	luksFormat @d --keyslot-cipher=x
	luksFormat @d --keyslot-key-size=256
	luksFormat @d --pbkdf=foo
	luksFormat @d --pbkdf-force-iterations=1000 --iter-time=5
	luksFormat @d --luks2-metadata-size=-1
	luksFormat @d --luks2-metadata-size=0
	luksFormat @d --luks2-keyslots-size=1.5M
	luksAddKey @d --unbound
	luksKillSlot @d 1 -S 1
	luksUUID @d --priority normal
	--test-args
	--test-args isLuks
	--test-args luksFormat @d @k -d @k1
	--test-args luksRemoveKey @d @k -d @k1
	--test-args luksChangeKey @d @k -d @k1
	--test-args luksErase a
	--test-args luksConfig a
	--test-args create a b --type luks
	--test-args luksClose a b
	--test-args loopaesOpen a b
	--test-args bitlkOpen a b
	--test-args refresh a b
	--test-args open --type plain a b --device-size=1KiB
	--test-args open --type plain a b --device-size=1KB
	--test-args open --type plain a b --device-size=1kb
	--test-args open --type plain a b --device-size=5s
	--test-args open --type plain a b --device-size=1P
	--test-args open --type plain a b --device-size=0
	--test-args open --type plain a b --device-size=0x10
	--test-args open --type plain a b --device-size=99999999999G
	--test-args open --type plain --size 1 --device-size 1M a b
	--test-args open --type plain --sector-size=4096 --iv-large-sectors a b
	--test-args open --tcrypt-hidden --type tcrypt --allow-discards a b
	--test-args token add a --key-description=x --unbound -S 1
	--test-args token add a --key-description=x --token-id=99
	--test-args token import a
	--test-args luksAddKey a --key-slot=1 --new-key-slot=2
	--test-args luksDump a --dump-json-metadata --unbound -S 1
	-v --test-args isLuks a
`

// reading are command lines that change nothing, on @d with slots 0 to 2, slot 5 unbound.
func reading(begin []step, more ...step) []step {
	steps := append([]step{}, begin...)
	for _, line := range strings.Split(strings.TrimSpace(readingLines), "\n") {
		line, stdin, _ := strings.Cut(strings.TrimSpace(line), " << ")
		steps = append(steps, step{line: line, stdin: strings.ReplaceAll(stdin, `\n`, "\n")})
	}
	return append(steps, more...)
}

const readingLines = `
	-v isLuks @d
	isLuks --type luks @d
	isLuks --type luks1 @d
	isLuks --type luks2 @d
	isLuks --type foo @d
	-v isLuks @none
	-v isLuks @k
	isLuks @
	isLuks @d @d
	isLuks --header @d @none
	-v luksUUID @d
	luksUUID @k
	luksUUID @none
	luksUUID @
	luksUUID --type luks1 @d
	luksUUID @d extra
	-v luksDump @d
	luksDump --header @d @k
	luksDump --header @none @d
	luksDump @none
	luksDump @
	luksDump @k
	luksDump --type luks1 @d
	luksDump --type luks2 @d
	luksDump --type plain @d
	luksDump @d --dump-json-metadata
	-q luksDump @d --dump-volume-key -d @k
	luksDump @d --dump-volume-key -d @k
	-v luksDump @d --dump-volume-key --dump-json-metadata -d @k1
	luksDump @d --dump-volume-key -S 2 -d @k
	luksDump @d --dump-volume-key << pass
	luksDump @d --dump-volume-key << wrong
	luksDump @d --dump-volume-key
	luksDump @d --dump-volume-key -d @w
	luksDump @d --dump-volume-key -d @none
	-v luksDump @d --dump-volume-key -d @k --volume-key-file @out
	luksDump @d --dump-volume-key -d @k --volume-key-file @out
	luksDump @d --dump-master-key -d @k --master-key-file @out2
	luksDump @d --unbound -S 0 -d @k
	luksDump @d --unbound -S 9 -d @k
	-v open --test-passphrase @d -d @k
	-v open --test-passphrase @d -d @k2
	open --test-passphrase @d -d @k2 -S 2
	open --test-passphrase @d -d @k2 -S 1
	-v open --test-passphrase @d -d @k2 -S 7
	-v open --test-passphrase @d -d @k2 -S 99
	-v open --test-passphrase @d -d @w -S 0
	-v open --test-passphrase @d << pass
	-v open --test-passphrase @d << pass\n
	-v open --test-passphrase @d << pass\nmore
	-v open --test-passphrase @d -d - << pass
	-v open --test-passphrase @d -d - << pass\n
	-v open --test-passphrase @d << wrong
	open -T 5 --test-passphrase @d << wrong
	open --test-passphrase @d
	open --test-passphrase @d -d -
	open --test-passphrase @d << \n
	open --test-passphrase @d -d @none
	open --test-passphrase @d -d @
	open --test-passphrase @d -d @long
	open --test-passphrase @d -d @kn
	open --test-passphrase @d -d @kn --keyfile-size 4
	open --test-passphrase @d -d @k --keyfile-size 2
	open --test-passphrase @d -d @k --keyfile-size 20
	open --test-passphrase @d -d @k --keyfile-offset 2
	open --test-passphrase @d -d @k --keyfile-offset 4
	open --test-passphrase @d -d @k --keyfile-offset 5
	open --test-passphrase @d -d @k --keyfile-size 8388609
	open --test-passphrase @d --keyfile-size 4 << pass more
	open --test-passphrase @d --keyfile-size 10 << pass
	open --test-passphrase @d -d - --keyfile-size 10 << pass
	open --test-passphrase @d -d - --keyfile-offset 2 << xxpass
	open --test-passphrase @d -d - --keyfile-offset 10 << pass
	open --test-passphrase @none -d @k
	open --test-passphrase @none -d @none
	open --test-passphrase @ -d @k
	open --test-passphrase @k -d @k
	open --test-passphrase --type luks1 @d -d @k
	open --test-passphrase --type luks2 @d -d @k
	open --test-passphrase --type luks @d name -d @k
	-v luksOpen --test-passphrase @d -d @k
	-v open --test-passphrase --header @d @k -d @k
	-v open --test-passphrase --header @none @d -d @k
	-v open --test-passphrase --header @k @d -d @k
	-v open --test-passphrase @d --volume-key-file @vk
	-v open --test-passphrase @d --volume-key-file @vk2
	-v open --test-passphrase @d --volume-key-file @k
	-v open --test-passphrase @d --volume-key-file @none
	-v open --test-passphrase @d --volume-key-file @long
	open --test-passphrase @d --volume-key-file @vk --key-size 128
	-v open --test-passphrase @d -d @k --token-type x
	-v open --test-passphrase @d -d @k --token-id 3
	-v open --test-passphrase @d -d @k --readonly --allow-discards
	-v open --test-passphrase @d -d @k --disable-locks --disable-keyring
`

// sessions lists them all.
func sessions() []session {
	return []session{
		{name: "grammar", files: keys(), sparse: disk, steps: grammar()},
		{name: "luks2", files: keys(), sparse: disk, steps: reading(luks2)},
		{name: "luks1", files: keys(), sparse: disk, steps: reading(luks1)},
		{name: "unbound", files: keys(), sparse: disk, steps: unbound()},
		{name: "format", files: keys(), sparse: disk, steps: formatting()},
		{name: "keys2", files: keys(), sparse: disk, steps: append(luks2[:3:3], changing(fast)...)},
		{name: "keys1", files: keys(), sparse: disk, steps: append(luks1[:3:3], changing(fast1)...), short: true},
		{name: "backup2", files: keys(), sparse: disks, steps: saving(luks2[0], "luks2")},
		{name: "backup1", files: keys(), sparse: disks, steps: saving(luks1[0], "luks1")},
		{name: "damaged", files: keys(), sparse: disk, steps: damaged()},
		{name: "convert", files: keys(), sparse: disk, steps: converting()},
		{name: "tokens", files: keys(), sparse: disk, steps: tokens()},
		{name: "config", files: keys(), sparse: disk, steps: append(luks2[:3:3], configuring()...)},
	}
}

// disk is a sparse file of 20 MiB, disks are two.
var (
	disk  = map[string]int64{"d": 20 << 20}
	disks = map[string]int64{"d": 20 << 20, "e": 20 << 20}
)

func unbound() []step {
	return []step{
		luks2[0],
		{line: "luksAddKey -v @d @k1 --unbound -s 128 -S 5" + fast},
		{line: "luksAddKey -v @d @k2 --unbound -s 512 --volume-key-file @vk2" + fast},
		{line: "luksAddKey -v @d @k2 --unbound -s 256 --volume-key-file @vk2" + fast},
		{line: "luksAddKey -v @d @k2 --unbound -s 512 --volume-key-file @k" + fast},
		{line: "luksDump @d"},
		{line: "luksDump @d --dump-json-metadata", differ: "objects are in order", says: `"type":"luks2"`},
		{line: "luksDump @d --unbound -S 5 -d @k1"},
		{line: "luksDump -q @d --unbound -S 1 -d @k2"},
		{line: "luksDump -v @d --unbound -S 5 -d @k1 --volume-key-file @out"},
		{line: "luksDump @d --unbound -S 5 -d @k1 --volume-key-file @out"},
		{line: "luksDump @d --unbound -S 5 -d @w"},
		{line: "luksDump @d --unbound -S 0 -d @k"},
		{line: "luksDump @d --unbound -S 6 -d @k"},
		{line: "open -v --test-passphrase @d -d @k1 -S 5"},
		{line: "open -v --test-passphrase @d -d @k1 --unbound"},
		{line: "open -v --test-passphrase @d -d @k"},
		{
			line: "open -v --test-passphrase @d -d @w", differ: "the slots that were tried say that the passphrase is wrong",
			code: 2, says: "No key available",
		},
		{line: "luksKillSlot -v @d 5 -d @k"},
		{
			line: "luksRemoveKey -v @d @k2", differ: "the slots that were tried say that the passphrase is wrong",
			code: 2, says: "No key available",
		},
	}
}

func changing(fast string) []step {
	steps := []step{
		{line: "luksAddKey -v @d @k3 -d @k -S 5" + fast},
		{line: "luksAddKey -v @d @k3 -d @k -S 5" + fast},
		{line: "luksAddKey @d @k3 -d @k -S 32" + fast},
		{line: "luksAddKey @d @k3 -d @k --new-key-slot 40" + fast},
		{line: "luksAddKey @d @k3 -d @k --new-key-slot=-3" + fast},
		{line: "luksAddKey -v @d @k3 -d @w" + fast, differ: "says why", code: 2, says: "No key available with this passphrase."},
		{line: "luksAddKey -v @d @k3 -d @none" + fast},
		{line: "luksAddKey -v @d @none -d @k" + fast},
		{line: "luksAddKey -v @none @k3 -d @k" + fast},
		{line: "luksAddKey -v @k @k3 -d @k" + fast},
		{line: "luksAddKey -v @d" + fast, stdin: "pass\nslot4\n"},
		{line: "luksAddKey -v @d" + fast, stdin: "pass"},
		{line: "luksAddKey -v @d" + fast, stdin: "wrong\nslot3\n"},
		{line: "luksAddKey -v @d @kn" + fast, stdin: "pass"},
		{line: "luksAddKey -v @d -d @k" + fast, stdin: "slot5"},
		{line: "luksRemoveKey -v @d @k3"},
		{line: "luksAddKey -v @d -d @k" + fast},
		{line: "luksAddKey -v @d @k3 -d @k -S 0 --new-key-slot 6" + fast},
		{
			line: "luksAddKey -v @d @k3 -d @k -S 1 --new-key-slot 7" + fast, differ: "says why", code: 2,
			says: "No key available with this passphrase.",
		},
		{line: "luksKillSlot -v @d 6 -d @k"},
		{line: "luksRemoveKey -v @d", stdin: "slot5"},
		{line: "luksAddKey -v @d --new-keyfile @k3 -d @k --new-keyfile-size 2" + fast},
		{line: "open -v --test-passphrase @d", stdin: "sl"},
		{line: "luksAddKey -v @d @k3 -d @k --new-keyfile-offset 1 --new-keyfile-size 100" + fast},
		{line: "luksAddKey -v @d @k3 --volume-key-file @vk2" + fast},
		{line: "luksAddKey -v @d @k3 --volume-key-file @k" + fast},
		{line: "luksAddKey -v @d @k3 --volume-key-file @vk" + fast},
		{line: "luksAddKey -v @d @k3 -d @k -h foo" + fast},
		{line: "luksAddKey -v @d @k3 -d @k --pbkdf pbkdf2 --pbkdf-force-iterations 999"},
		{line: "luksAddKey -v @d @k3 -d @k --pbkdf argon2id --pbkdf-force-iterations 3 --pbkdf-memory 32 --pbkdf-parallel 1"},
		{line: "luksAddKey -v @d @k3 -d @k --pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 31 --pbkdf-parallel 1"},
		{line: "luksAddKey -v @d @k3 -d @k --pbkdf argon2id --pbkdf-force-iterations 4 --pbkdf-memory 4194305 --pbkdf-parallel 1"},
		{line: "luksDump @d"},
		{line: "luksRemoveKey -v @d @w"},
		{line: "luksRemoveKey -v @d @none"},
		{line: "luksRemoveKey -v @d -d @k3"},
		{line: "luksRemoveKey -v @d", stdin: "slot4"},
		{line: "luksRemoveKey @d"},
		{line: "luksRemoveKey -v @none @k"},
		{line: "luksKillSlot -v @d 7"},
		{line: "luksKillSlot -v @d 32", differ: "says why", code: 1, says: "Key slot 32 is invalid"},
		{line: "luksKillSlot -v @d x -d @w", differ: "x is no number", code: 1, says: "Key slot x is no number."},
		{line: "luksKillSlot -v @d 1 -d @w"},
		{line: "luksKillSlot -v @d 1 -d @k1"},
		{line: "luksKillSlot -v @d 1", stdin: "wrong"},
		{line: "luksKillSlot -v @d 1", stdin: "pass"},
		{line: "luksAddKey -q @d @k1 -d @k" + fast},
		{line: "luksChangeKey -v @d -d @k @k3" + fast},
		{line: "luksChangeKey -v @d" + fast, stdin: "slot3\npass\n"},
		{line: "luksChangeKey -v @d" + fast, stdin: "slot3\npass\n"},
		{line: "luksChangeKey -v @d -d @k1 @k3 -S 1" + fast},
		{line: "luksChangeKey -v @d -d @k3 @k1 -S 2" + fast},
		{line: "luksChangeKey -v @d -d @k3 @k1 -S 7" + fast},
		{line: "luksChangeKey -v @d -d @k3 @k1 -S 77" + fast},
		{line: "luksChangeKey -v @d -d @k3 @none" + fast},
		{line: "luksChangeKey -v @d -d @none @k1" + fast},
		{line: "luksChangeKey -v @d -d @k3" + fast},
		{line: "luksKillSlot -q -v @d 2"},
		{line: "luksKillSlot -v @d 1 -d @k"},
		{line: "luksRemoveKey -v @d @k"},
		{line: "luksRemoveKey -v @d @k"},
		{line: "luksDump @d"},
		{line: "open -v --test-passphrase @d -d @k"},
		{line: "open -v --test-passphrase @d --volume-key-file @vk"},
		{line: "luksAddKey -v @d @k1 --volume-key-file @vk" + fast},
		{line: "open -v --test-passphrase @d -d @k1"},
		{line: "erase -v @d"},
		{line: "luksErase -q @d"},
		{line: "luksErase -q @k"},
		{line: "luksErase -q @none"},
		{line: "luksDump @d"},
	}
	return steps
}

func configuring() []step {
	return []step{
		{line: "config -v @d --label one --subsystem two"},
		{line: "luksDump @d"},
		{line: "config -v @d --label= --subsystem="},
		{line: "config -v @d --priority prefer -S 1"},
		{line: "config -v @d --priority ignore -S 0"},
		{line: "luksDump @d"},
		{line: "open -v --test-passphrase @d -d @k"},
		{line: "open -v --test-passphrase @d -d @k -S 0"},
		{line: "config -v @d --priority normal -S 0 --label x"},
		{line: "config -v @d --priority normal -S 7", differ: "says why", code: 1, says: "Keyslot 7 is not active."},
		{line: "config -v @d --priority normal -S 77", differ: "says why", code: 1, says: "Key slot 77 is invalid"},
		{
			line: "config -v @d --label " + strings.Repeat("x", 48), differ: "it would be cut off", code: 1, says: "does not fit",
		},
		{line: "config -v @d --label same"},
		{line: "config -v @none --label x"},
		{line: "config -v @k --label x"},
		{line: "luksDump @d"},
		{line: "luksUUID -v @d --uuid foo"},
		{words: []string{"luksUUID", "-v", "@d", "--uuid="}},
		{line: "luksUUID -v @d --uuid 00000000-1111-2222-3333-444444444444"},
		{line: "luksUUID @d --uuid 00000000-1111-2222-3333-44444444444g"},
		{line: "luksUUID @none --uuid 00000000-1111-2222-3333-444444444444"},
		{line: "luksUUID @k --uuid 00000000-1111-2222-3333-444444444444"},
		{line: "luksUUID -q @d" + uuid},
		{line: "luksUUID @d"},
		{line: "config @d --priority normal -S 1"},
		{line: "luksConvertKey -v @d -d @k1" + fast},
		{line: "luksConvertKey -v @d -d @w" + fast},
		{line: "luksConvertKey -v @d -d @k -S 7" + fast},
		{line: "luksConvertKey -v @d -d @k -S 1" + fast},
		{line: "luksConvertKey -v @d --pbkdf argon2i --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1", stdin: "pass"},
		{line: "luksConvertKey -v @d -d @k2 --keyslot-cipher aes-cbc-plain --keyslot-key-size 128" + fast},
		{line: "luksConvertKey -v @d -d @k1 -h sha512" + fast},
		{line: "luksDump @d"},
		{line: "luksFormat -q @d @k --type luks1" + fast1 + uuid},
		{line: "config -v @d --label x"},
		{line: "config -v @d --priority normal -S 0"},
		{line: "luksConvertKey -v @d -d @k"},
		{line: "luksAddKey -v @d @k1 --unbound -s 256"},
		{line: "luksAddKey -v @d @k1 -d @k --keyslot-cipher aes-cbc-plain --keyslot-key-size 128"},
		{line: "luksAddKey -v @d @k1 -d @k --pbkdf argon2i"},
		{line: "luksUUID -v @d --uuid 00000000-1111-2222-3333-444444444444"},
		{line: "luksUUID @d"},
	}
}
