package cli

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
)

// TestPlainKeysAreCryptsetups compares with the keys that cryptsetup gave to real
// mappings, and with its refusals.
func TestPlainKeysAreCryptsetups(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/plain-2.6.1.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(data)) {
		w := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		seen++
		t.Run(strconv.Itoa(seen)+" "+strings.Join(w[:3], " "), func(t *testing.T) {
			t.Parallel()
			checkPlainRow(t, w)
		})
	}
	if seen < 150 {
		t.Errorf("%d rows, want at least 150", seen)
	}
}

func checkPlainRow(t *testing.T, w []string) {
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	input := plainInput(t, w[5])
	k := keySource{
		plain: true, hash: strings.ToLower(w[0]), keySize: number(w[1]) / 8,
		keyFile: ui.KeyFile{Offset: int64(number(w[3])), Size: int64(number(w[4]))},
	}
	switch w[2] {
	case "stdin":
		k.passphraseFile = "-"
	case "-":
		k.keyFile.Path = "-"
	case "file":
		k.keyFile.Path = filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(k.keyFile.Path, input, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := k.read(t.Context(), ui.Streams{In: bytes.NewReader(input)})
	if w[6] == "fail" || w[6] == "strict" {
		if err == nil {
			t.Errorf("%s: a key of %d bytes, want a refusal", strings.Join(w[:5], " "), len(got))
		}
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", strings.Join(w[:5], " "), err)
	}
	if hex.EncodeToString(got) != w[6] {
		t.Errorf("%s of %d bytes of input: key %x, want %s", strings.Join(w[:5], " "), len(input), got, w[6])
	}
}

// plainInput makes the input of a row.
func plainInput(t *testing.T, word string) []byte {
	t.Helper()
	if word == "-" {
		return nil
	}
	pattern, ok := strings.CutPrefix(word, "@")
	if !ok {
		input, err := hex.DecodeString(word)
		if err != nil {
			t.Fatal(err)
		}
		return input
	}
	size, newline := strings.CutSuffix(pattern, "+0a")
	n, err := strconv.Atoi(size)
	if err != nil {
		t.Fatal(err)
	}
	input := make([]byte, n)
	for i := range input {
		input[i] = byte('!' + i%90)
	}
	if newline {
		input = append(input, '\n')
	}
	return input
}
