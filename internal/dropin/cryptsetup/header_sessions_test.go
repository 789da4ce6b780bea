package cryptsetup_test

// saving are backups, restored again.
func saving(first step, version string) []step {
	other := "luks2"
	if version == other {
		other = "luks1"
	}
	return []step{
		first,
		{line: "luksHeaderBackup @d"},
		{line: "luksHeaderBackup -v @d --header-backup-file @b"},
		{line: "luksHeaderBackup @d --header-backup-file @b"},
		{line: "luksHeaderBackup @d --header-backup-file @none/b"},
		{line: "luksHeaderBackup @k --header-backup-file @b2"},
		{line: "luksHeaderBackup @none --header-backup-file @b2"},
		{line: "luksHeaderBackup @d --header-backup-file @b2 --type " + other},
		{line: "luksDump @b"},
		{line: "open -v --test-passphrase --header @b @d -d @k"},
		{line: "luksHeaderRestore @d"},
		{line: "luksHeaderRestore -v @none --header-backup-file @b"},
		{line: "luksHeaderRestore -v @d --header-backup-file @none"},
		{line: "luksHeaderRestore -v @d --header-backup-file @k"},
		{line: "luksErase -v -q @d"},
		{line: "luksHeaderRestore -v @d --header-backup-file @b"},
		{line: "open -v --test-passphrase @d -d @k"},
		{line: "luksHeaderRestore -v -q @e --header-backup-file @b"},
		{line: "open -v --test-passphrase @e -d @k"},
		{line: "luksUUID -q @e --uuid 00000000-1111-2222-3333-444444444444"},
		{line: "luksHeaderRestore -v -q @e --header-backup-file @b"},
		{line: "luksDump @e"},
		{line: "repair -v @d"},
		{line: "repair @d"},
		{line: "repair @none"},
	}
}

// converting are headers that change their version.
func converting() []step {
	return []step{
		{line: "convert @d"},
		{line: "convert @d --type luks3"},
		{line: "convert @none --type luks2"},
		{line: "convert @k --type luks2"},
		{line: "luksFormat -q @d @k --sector-size 512 --offset 8192" + fast + uuid},
		{line: "luksAddKey -q @d @k1 -d @k" + fast},
		{line: "convert -v @d --type luks2"},
		{line: "convert -v -q @d --type luks1"},
		{line: "luksDump @d"},
		{line: "open -v --test-passphrase @d -d @k1"},
		{line: "convert -v -q @d --type luks1"},
		{line: "convert -v -q @d --type luks2"},
		{line: "luksDump @d"},
		{line: "open -v --test-passphrase @d -d @k1"},
		{line: "luksConvertKey -q @d -d @k1 --pbkdf argon2i --pbkdf-force-iterations 4 --pbkdf-memory 32 --pbkdf-parallel 1"},
		{line: "convert -v -q @d --type luks1", differ: "says it in other words", code: 1, says: "Cannot convert to LUKS1 format"},
		{line: "luksKillSlot -q @d 1"},
		{line: "convert -v -q @d --type luks1"},
		{line: "luksFormat -q @d @k --sector-size 4096 --offset 8192" + fast + uuid},
		{line: "convert -v -q @d --type luks1", differ: "says it in other words", code: 1, says: "Cannot convert to LUKS1 format"},
	}
}

// damaged are headers of which a part is overwritten.
func damaged() []step {
	const (
		first, second, slot = 5000, 16384 + 5000, 32768
		unasked             = "reading does not write: repair does"
	)
	return []step{
		luks2[0],
		{line: "luksDump @d", hurt: []int64{first}, differ: unasked, says: "the first copy of the header is damaged"},
		{line: "isLuks @d", hurt: []int64{first}, differ: unasked, says: "warning"},
		{line: "luksUUID @d", hurt: []int64{first}, differ: unasked, says: givenUUID},
		{line: "open --test-passphrase @d -d @k", hurt: []int64{first}, differ: unasked, says: "damaged"},
		{line: "luksAddKey @d @k1 -d @k" + fast, hurt: []int64{first}, differ: "says what was wrong", says: "damaged"},
		{line: "repair -v @d"},
		{line: "luksDump @d"},
		{line: "repair -v @d", hurt: []int64{first}, differ: "says what was wrong", says: "the first copy was damaged"},
		{line: "repair -v @d"},
		{line: "luksDump @d", hurt: []int64{second}, differ: unasked, says: "the second copy of the header is damaged"},
		{line: "repair -v @d", hurt: []int64{second}, differ: "says what was wrong", says: "the second copy was damaged"},
		{line: "luksFormat -q @d @k --volume-key-file @vk --sector-size 512 --offset 9216" + fast + uuid},
		{line: "luksAddKey @d @k1 -d @k" + fast},
		{line: "open -v --test-passphrase @d -d @k", hurt: []int64{slot}},
		{line: "open -v --test-passphrase @d -d @k1"},
		{line: "luksDump @d --dump-volume-key -d @k1"},
		{line: "isLuks @d", hurt: []int64{second}, differ: unasked, says: "warning"},
		{line: "luksDump @d", hurt: []int64{first, second}, differ: "says why", code: 1, says: "neither copy is valid"},
		{line: "isLuks -v @d"},
		{line: "luksUUID -v @d"},
		{line: "repair -v @d", differ: "says why", code: 1, says: "not a valid LUKS device"},
		{line: "open -v --test-passphrase @d -d @k1", differ: "says why", code: 1, says: "not a valid LUKS device"},
		{line: "luksFormat -q --type luks1 @d @k --volume-key-file @vk" + fast1 + uuid},
		{line: "luksDump -v @d", hurt: []int64{106}, differ: "names the field", code: 1, says: "not a valid LUKS device"},
		{line: "isLuks -v @d", differ: "says nothing", code: 1, says: "Command failed"},
		{line: "repair -v @d", differ: "names the field", code: 1, says: "not a valid LUKS device"},
	}
}
