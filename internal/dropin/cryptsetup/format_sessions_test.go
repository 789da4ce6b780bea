package cryptsetup_test

import "strings"

// formatting are devices that are made, each shown afterwards, and such that cannot be.
func formatting() (steps []step) {
	for _, line := range strings.Split(strings.TrimSpace(formatLines), "\n") {
		line, begin := strings.TrimSpace(line), "luksFormat -q @d @k "
		if strings.HasPrefix(line, "1 ") {
			line, begin = line[2:], begin+"--type luks1"+fast1+" "
		} else {
			begin += strings.TrimPrefix(fast, " ") + " "
		}
		steps = append(steps, step{line: begin + line + uuid}, step{line: "luksDump @d"})
	}
	return append(steps, formatHabits...)
}

const formatLines = `
	-v
	--sector-size 4096 --offset 9216 -S 31 -v
	-c aes-cbc-essiv:sha256 -s 256 --offset 9216
	-c aes-cbc-plain64 -s 128 -h sha512 --offset 9216
	-c aes-xts-plain64 -s 256 --label one --subsystem two --offset 9216
	--luks2-metadata-size 32k --luks2-keyslots-size 4M
	--luks2-metadata-size 64KiB --offset 9216 --disable-locks --force-password
	--align-payload 8 --luks2-keyslots-size 4M -h sha1
	--align-payload 2048 --luks2-keyslots-size 4M
	--volume-key-file @vk --offset 9216
	--volume-key-file @vk -s 256 --offset 4096
	--keyslot-cipher aes-cbc-plain64 --keyslot-key-size 128 --offset 9216 --use-random
	--pbkdf argon2i --pbkdf-force-iterations 4 --pbkdf-memory 64 --pbkdf-parallel 1 --offset 9216
	--keyfile-offset 1 --keyfile-size 2 --offset 9216
	1 -v
	1 -c aes-cbc-essiv:sha256 -s 256 -h sha512
	1 -c aes-xts-plain64 -s 256 -S 7 --offset 8192
	1 --align-payload 8 --volume-key-file @vk
`

var formatHabits = []step{
	{line: "luksFormat @d @k --offset 9216" + fast},
	{line: "luksFormat -v @d @k --offset 9216" + fast},
	{line: "luksFormat -v @d @k --type luks1" + fast1},
	{line: "luksFormat -v @d --offset 9216" + fast, stdin: "pass\n"},
	{line: "open -v --test-passphrase @d -d @k"},
	{line: "luksFormat -v -q @d - --offset 9216" + fast, stdin: "pass\n"},
	{line: "open -v --test-passphrase @d -d @kn"},
	{line: "luksFormat @d" + fast},
	{line: "luksFormat @d @none" + fast},
	{line: "luksFormat @none @k" + fast},
	{line: "luksFormat @ @k" + fast},
	{line: "luksFormat @d @k1 -d @k --offset 9216" + fast},
	{line: "open --test-passphrase @d -d @k"},
	{line: "luksFormat -q @d @k --volume-key-file @k" + fast},
	{line: "luksFormat -q @d @k --volume-key-file @none" + fast},
	{line: "luksFormat -q @d @k --uuid=x" + fast},
	{line: "luksFormat -q @d @k -h foo" + fast},
	{line: "luksFormat -q @d @k -h md5x --type luks1"},
	{line: "luksFormat -q @d @k --offset 1" + fast},
	{line: "luksFormat -q @d @k --type luks1 --sector-size 1024"},
	{line: "luksFormat -q @d @k --type luks1 --integrity hmac-sha256"},
	{line: "luksFormat -q @d @k --type luks1 --luks2-metadata-size 16k"},
	{line: "luksFormat -q @d @k --type luks1 --keyslot-cipher aes-cbc-plain --keyslot-key-size 128"},
	{line: "luksFormat -q @d @k --pbkdf-force-iterations 3"},
	{line: "luksFormat -q @d @k --type luks1 --pbkdf-force-iterations 999"},
	{line: "luksFormat -q @empty @k" + fast},
	{line: "luksFormat -q --type luks1 @empty @k" + fast1},
	{line: "luksFormat -q @w @k" + fast},
	{line: "luksFormat -q @long @k" + fast},
	{line: "luksFormat -q @d @k --offset 2048" + fast},
	{line: "luksFormat -q @d @k -c aes"},
	{
		line: "luksFormat -q @d @k --luks2-keyslots-size 4096" + fast, differ: "is not warned of what fails", code: 1,
		says: "No space for new keyslot.",
	},
	{line: "luksFormat -q @d @k --luks2-metadata-size 33k" + fast, differ: "says why", code: 1, says: "metadata size 33792"},
	{line: "luksFormat -q @d @k --luks2-keyslots-size 5000" + fast, differ: "says why", code: 1, says: "keyslots size 5000"},
	{line: "luksFormat -q @d @k -c foo" + fast, differ: "says why", code: 1, says: "foo"},
	{line: "luksFormat -q @d @k -s 8" + fast, differ: "says why", code: 1, says: "wrong key size"},
	{line: "luksFormat -q --header @d @d @k" + fast, differ: "the header is not apart", code: 1, says: "leave --header out"},
	{line: "luksFormat -q --header @none/h @d @k" + fast},
	{line: "luksFormat -q --header @h @d @k --luks2-keyslots-size 4M" + fast + uuid},
	{line: "luksDump @h"},
	{line: "luksDump --header @h @d"},
	{line: "open -v --test-passphrase --header @h @d -d @k"},
	{line: "luksFormat -q --header @h1 --type luks1 @d @k" + fast1 + uuid},
	{line: "luksDump @h1"},
	{line: "luksFormat -q --header @h2 --offset 4096 @d @k" + fast + uuid},
	{line: "luksDump @h2"},
}
