package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"

	"github.com/dmimg/dmimg/crypt/luks"
)

// luksPass opens every image here.
const luksPass = "bench"

// luksJobs decrypt an image, and open key slots whose costs are fixed.
func luksJobs(ctx context.Context, f *files) ([]job, error) {
	pass, err := f.small("passphrase", []byte(luksPass))
	if err != nil {
		return nil, err
	}
	decrypt, err := luksDecryptJob(ctx, f, pass)
	if err != nil {
		return nil, err
	}
	const iterations = 1_000_000
	return []job{
		decrypt,
		// The payload is what is hashed, or filled: 64 bytes of key are two blocks of SHA-256 or one of SHA-512,
		// an iteration hashes two blocks for each.
		luksOpenJob(ctx, f, pass, luksOpen, 1000*256, luks.Cost{Type: "pbkdf2", Hash: "sha256", Iterations: 1000}),
		luksOpenJob(ctx, f, pass, luksSHA256, iterations*256, luks.Cost{Type: "pbkdf2", Hash: "sha256", Iterations: iterations}),
		luksOpenJob(ctx, f, pass, luksSHA512, iterations*256, luks.Cost{Type: "pbkdf2", Hash: "sha512", Iterations: iterations}),
		luksOpenJob(ctx, f, pass, luksArgon, 4*256<<20, luks.Cost{Type: "argon2id", Iterations: 4, Memory: 256 << 10, Parallel: 4}),
	}, nil
}

// luksDecryptJob decrypts an image whose payload is noise: what it decrypts to is noise, too.
func luksDecryptJob(ctx context.Context, f *files, pass string) (job, error) {
	const payload = 2 << 20 // where it begins
	image, err := f.random(ctx, "luks1", f.size+payload)
	if err != nil {
		return job{}, err
	}
	err = luksFormat(ctx, image, luks.FormatOptions{
		Version: 1, KeySize: 64, DataOffset: payload, DataOffsetSet: true,
		Slot: luks.SlotOptions{Cost: luks.Cost{Iterations: 1000}},
	})
	if err != nil {
		return job{}, err
	}
	j := job{name: luksDecrypt, bytes: f.size}
	out := f.path("out")
	for _, jobs := range jobCounts(f.cores) {
		j.commands = append(j.commands, command{
			name: jobsName(jobs), outputs: []string{out}, same: "plaintext",
			args: []string{f.program, "luks", "decrypt", image, out, "--key-file", pass, "--jobs", strconv.Itoa(jobs)},
		})
	}
	path, err := f.look("qemu-img")
	if err != nil {
		f.lacks("qemu-img: not found (package qemu-utils)")
		j.commands[0].baseline = true
		return j, nil
	}
	j.commands = append(j.commands, command{
		name: withVersion(ctx, "qemu-img", path), peer: true, baseline: true, outputs: []string{out}, same: "plaintext",
		args: []string{
			path, "convert", "--object", "secret,id=s,file=" + pass,
			"--image-opts", "driver=luks,key-secret=s,file.filename=" + image, "-O", "raw", out,
		},
	})
	return j, nil
}

// luksOpenJob opens a key slot of an image that is made before the first turn.
func luksOpenJob(ctx context.Context, f *files, pass, name string, bytes int64, cost luks.Cost) job {
	image := f.path("luks2-" + cost.Type + "-" + cost.Hash + "-" + strconv.FormatInt(cost.Iterations, 10))
	before := func(ctx context.Context) error {
		if _, err := os.Stat(image); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.WriteFile(image, make([]byte, 2<<20), 0o600); err != nil {
			return err
		}
		return luksFormat(ctx, image, luks.FormatOptions{KeySize: 64, KeyslotsSize: 512 << 10, Slot: luks.SlotOptions{Cost: cost}})
	}
	j := job{name: name, bytes: bytes, commands: []command{{
		name: "dmimg", before: before,
		args: []string{f.program, "luks", "check", image, "--key-file", pass},
	}}}
	path, err := f.look("cryptsetup")
	if err != nil {
		f.lacks("cryptsetup: not found (package cryptsetup-bin)")
		j.commands[0].baseline = true
		return j
	}
	j.commands = append(j.commands, command{
		name: withVersion(ctx, "cryptsetup", path), peer: true, baseline: true, before: before,
		args: []string{path, "open", "--test-passphrase", "--key-file", pass, image},
	})
	return j
}

// luksFormat writes a header to an image, the same one in every run.
func luksFormat(ctx context.Context, image string, o luks.FormatOptions) (err error) {
	o.Rand = rand.NewChaCha8([32]byte([]byte("dmimg bench: the same every time")))
	o.UUID = "6d6be0ac-0000-4000-8000-000000000000"
	file, err := luks.OpenFile(image, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	key, err := luks.Format(ctx, file, []byte(luksPass), o)
	if err != nil {
		return err
	}
	key.Wipe()
	return nil
}
