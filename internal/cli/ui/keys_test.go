package ui

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadKeyFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := put(t, filepath.Join(dir, "key"), "ab\x00cd\r\n\n")
	big := put(t, filepath.Join(dir, "big"), strings.Repeat("k", MaxKeyFile+1))
	for name, c := range map[string]struct {
		key  KeyFile
		want string
		code int
	}{
		"whole, newlines and NULs included": {KeyFile{Path: path}, "ab\x00cd\r\n\n", 0},
		"stdin":                             {KeyFile{Path: "-"}, "from\nstdin\n", 0},
		"stdin from an offset":              {KeyFile{Path: "-", Offset: 5}, "stdin\n", 0},
		"a part":                            {KeyFile{Path: path, Offset: 1, Size: 3}, "b\x00c", 0},
		"to the end from an offset":         {KeyFile{Path: path, Offset: 3}, "cd\r\n\n", 0},
		"a part of a big one":               {KeyFile{Path: big, Offset: MaxKeyFile, Size: 1}, "k", 0},
		"too short for the size":            {KeyFile{Path: path, Size: 9}, "", 1},
		"too big":                           {KeyFile{Path: big}, "", 1},
		"absurd size":                       {KeyFile{Path: path, Size: 1 << 62}, "", 2},
		"missing":                           {KeyFile{Path: filepath.Join(dir, "none")}, "", 1},
		"a directory":                       {KeyFile{Path: dir}, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadKeyFile(t.Context(), c.key, strings.NewReader("from\nstdin\n"))
			if ExitCode(err) != c.code || string(got) != c.want {
				t.Errorf("ReadKeyFile(%+v) = %d bytes, %v, want %d bytes, exit status %d", c.key, len(got), err, len(c.want), c.code)
			}
		})
	}
}

func TestReadPassphraseFileDropsOneNewline(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "a": "a", "a\n": "a", "a\n\n": "a\n", "\n": "", "a\r\n": "a\r"} {
		got, err := ReadPassphraseFile(t.Context(), "-", strings.NewReader(in))
		if err != nil || string(got) != want {
			t.Errorf("passphrase from %q = %q, %v, want %q", in, got, err, want)
		}
	}
}

func TestWipeReachesTheCapacity(t *testing.T) {
	t.Parallel()
	whole := []byte("secret\n")
	Wipe(whole[:len(whole)-1])
	if !bytes.Equal(whole, make([]byte, 7)) {
		t.Errorf("left after Wipe: %q", whole)
	}
}
