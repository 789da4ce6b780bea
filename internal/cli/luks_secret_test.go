package cli_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
)

// cheapSlot makes key slots that open at once.
var cheapSlot = []string{"--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"}

// TestLUKSKeysAreNotShown runs the verbs that are given passphrases and keys, with success and without, and looks for
// them in everything that is printed.
func TestLUKSKeysAreNotShown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	volumeKey := []byte(strings.Repeat("Volumenschluessel", 4))[:64]
	secrets := [][]byte{[]byte("Losungswort"), []byte("Kennwort"), []byte("Irrtum"), volumeKey}
	for i, name := range []string{"pass", "other", "wrong", "key"} {
		writeFile(t, at(name), secrets[i])
	}
	writeFile(t, at("plain"), bytes.Repeat([]byte("data"), 1000))
	image := at("image")
	for _, step := range []struct {
		code int
		args []string
	}{
		{0, append([]string{"format", image, "--size", "17M", "--volume-key-file", at("key"), "--key-file", at("pass"), "--json"}, cheapSlot...)},
		{1, []string{"format", image, "--volume-key-file", at("key"), "--key-file", at("pass")}},
		{2, append([]string{"format", at("x"), "--size", "17M", "--volume-key-file", at("wrong"), "--key-file", at("pass")}, cheapSlot...)},
		{0, []string{"encrypt", at("plain"), image, "--key-file", at("pass"), "--json", "--progress", "json"}},
		{4, []string{"encrypt", at("plain"), image, "--key-file", at("wrong")}},
		{4, []string{"encrypt", at("plain"), image, "--volume-key-file", at("wrong")}},
		{0, append([]string{"add-key", image, "--key-file", at("pass"), "--new-key-file", at("other"), "--json"}, cheapSlot...)},
		{4, append([]string{"add-key", image, "--key-file", at("wrong"), "--new-key-file", at("other")}, cheapSlot...)},
		{4, append([]string{"add-key", image, "--volume-key-file", at("wrong"), "--new-key-file", at("other")}, cheapSlot...)},
		{0, append([]string{"change-key", image, "--key-file", at("other"), "--new-key-file", at("other"), "--json"}, cheapSlot...)},
		{4, append([]string{"change-key", image, "--key-file", at("wrong"), "--new-key-file", at("other")}, cheapSlot...)},
		{0, []string{"check", image, "--volume-key-file", at("key"), "--json"}},
		{0, []string{"dump", image, "--json"}},
		{0, []string{"table", image, "--key-file", at("pass"), "--json"}},
		{0, []string{"volume-key", image, at("key2"), "--key-file", at("pass")}},
		{4, []string{"kill-slot", image, "0", "--key-file", at("wrong")}},
		{4, []string{"remove-key", image, "--key-file", at("wrong")}},
		{0, []string{"remove-key", image, "--key-file", at("other"), "--json"}},
		{1, []string{"remove-key", image, "--key-file", at("pass")}},
	} {
		r := dmimg(t, append([]string{"luks"}, step.args...)...)
		if r.code != step.code {
			t.Fatalf("luks %s: exit status %d, want %d: %s", step.args[0], r.code, step.code, r.stderr)
		}
		for i, secret := range secrets {
			for _, form := range []string{string(secret), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret)} {
				if strings.Contains(strings.ToLower(r.stdout+r.stderr), strings.ToLower(form)) {
					t.Errorf("luks %s prints secret %d", step.args[0], i)
				}
			}
		}
	}
	if !bytes.Equal(readFile(t, at("key2")), volumeKey) {
		t.Error("the volume key is not the one that was given")
	}
}
