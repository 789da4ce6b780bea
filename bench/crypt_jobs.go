package bench

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// cryptJobs decrypt an image file to file.
func cryptJobs(ctx context.Context, f *files) ([]job, error) {
	image, err := f.random(ctx, "image", f.size)
	if err != nil {
		return nil, err
	}
	key, err := f.small("volume-key", testKey(64))
	if err != nil {
		return nil, err
	}
	j := job{name: decryptFile, bytes: f.size}
	out := f.path("out")
	for _, jobs := range jobCounts(f.cores) {
		j.commands = append(j.commands, command{
			name: jobsName(jobs), outputs: []string{out}, same: "plaintext",
			args: []string{
				f.program, "crypt", "decrypt", image, out, "--cipher", "aes-xts-plain64",
				"--volume-key-file", key, "--jobs", strconv.Itoa(jobs),
			},
		})
	}
	qemu, err := qemuDecrypt(ctx, f, image, out)
	if err != nil {
		return nil, err
	}
	j.commands = append(j.commands, qemu...)
	if path, err := f.look("copy-loop"); err == nil {
		j.commands = append(j.commands, command{
			name: "copy loop, 256 KiB at a time, and fsync (copies only)", peer: true, outputs: []string{out},
			args: []string{path, strconv.Itoa(256 << 10), image, out},
		})
	} else {
		f.lacks("a plain copy loop: copy-loop not found (" + built + ")")
	}
	if path, err := f.look("dd"); err == nil {
		j.commands = append(j.commands, command{
			name: "dd bs=1M (copies only)", peer: true, outputs: []string{out},
			args: []string{path, "if=" + image, "of=" + out, "bs=1M"},
		})
	}
	return []job{j}, nil
}

// qemuDecrypt makes a LUKS image of the same size with qemu-img, whose payload is
// encrypted as ours is, and returns the command that decrypts it. The key
// derivation is set to its minimum: it is not what is measured.
func qemuDecrypt(ctx context.Context, f *files, plain, out string) ([]command, error) {
	path, err := f.look("qemu-img")
	if err != nil {
		f.lacks("qemu-img: not found (package qemu-utils)")
		return nil, nil
	}
	pass, err := f.small("passphrase", []byte("bench"))
	if err != nil {
		return nil, err
	}
	luks := f.path("luks")
	secret := "secret,id=s,file=" + pass
	image := "driver=luks,key-secret=s,file.filename=" + luks
	for _, args := range [][]string{
		{
			path, "create", "-q", "-f", "luks", "--object", secret, "-o",
			"key-secret=s,cipher-alg=aes-256,cipher-mode=xts,ivgen-alg=plain64,iter-time=10", luks, strconv.FormatInt(f.size, 10),
		},
		{path, "convert", "-n", "--object", secret, "-f", "raw", plain, "--target-image-opts", image},
	} {
		if err := qemuRun(ctx, args); err != nil {
			return nil, fmt.Errorf("making a LUKS image: %w", err)
		}
	}
	return []command{{
		name: withVersion(ctx, "qemu-img", path), peer: true, baseline: true, outputs: []string{out},
		args: []string{path, "convert", "--object", secret, "--image-opts", image, "-O", "raw", out},
	}}, nil
}

// qemuRun runs qemu-img, some times over if need be: with so short a key
// derivation its clock may show no time at all, and then it gives up.
func qemuRun(ctx context.Context, args []string) error {
	const tries = 10
	for try := 1; ; try++ {
		_, err := command{name: "qemu-img", args: args}.run(ctx)
		if err == nil || try == tries || !strings.Contains(err.Error(), "accurate CPU usage") {
			return err
		}
	}
}
