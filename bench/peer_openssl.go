package bench

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
)

// opensslSpeed is the speed command of openssl: its own loop over one buffer with
// one IV, which flatters small sectors.
func opensslSpeed(path, cipher string, size int, decrypt bool) contestant {
	args := []string{"speed", "-mr", "-seconds", "1", "-bytes", strconv.Itoa(size)}
	if decrypt {
		args = append(args, "-decrypt")
	}
	args = append(args, "-evp", cipher)
	return contestant{
		name: "openssl speed (one IV for all)", peer: true, bytes: int64(size),
		rate: func(ctx context.Context) (float64, error) {
			out, err := exec.CommandContext(ctx, path, args...).Output()
			if err != nil {
				return 0, err
			}
			return parseOpensslSpeed(out)
		},
	}
}

// parseOpensslSpeed reads the line "+F:number:NAME:bytes-per-second" that -mr
// makes openssl print.
func parseOpensslSpeed(out []byte) (bytesPerSecond float64, err error) {
	for line := range bytes.Lines(out) {
		fields := bytes.Split(bytes.TrimSpace(line), []byte(":"))
		if len(fields) != 4 || string(fields[0]) != "+F" {
			continue
		}
		rate, err := strconv.ParseFloat(string(fields[3]), 64)
		if err != nil || rate <= 0 {
			return 0, fmt.Errorf("line %q holds no rate", bytes.TrimSpace(line))
		}
		return rate, nil
	}
	return 0, fmt.Errorf("no +F line in what openssl speed printed: %q", out)
}
