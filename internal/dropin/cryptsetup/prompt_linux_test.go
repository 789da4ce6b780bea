package cryptsetup_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli"
	"github.com/dmimg/dmimg/internal/cli/clitest"
)

// Questions and warnings, as cryptsetup 2.6.1 puts them on a terminal.
const (
	sure = "\n\nAre you sure? (Type 'yes' in capital letters): "
	warn = "\nWARNING!\n========\n"
	lost = warn + "This will overwrite data on @d irrevocably." + sure
	last = warn + "This is the last keyslot. Device will become unusable after purging this key." + sure
	key  = warn + "The header dump with volume key is sensitive information\nthat allows access to encrypted partition without a passphrase.\n" +
		"This dump should be stored encrypted in a safe place." + sure
	wrongKey = "No key available with this passphrase.\n"
)

// prompted is a command line at a terminal.
type prompted struct {
	line  string
	typed []string
	code  int
	shown string // stdout and stderr, without what was typed
}

var prompts = []prompted{
	{"luksFormat @d" + fast1, []string{"YES", "pass", "pass"}, 0, lost + "Enter passphrase for @d: \nVerify passphrase: \n"},
	{"luksFormat @d" + fast1, []string{"yes"}, 1, "WARNING: Device @d already contains a 'crypto_LUKS' superblock signature.\n" + lost + "Operation aborted.\n\n"},
	{"luksFormat -q @d" + fast1, []string{"pass"}, 0, "Enter passphrase for @d: \n"},
	{"luksFormat -q -y @d" + fast1, []string{"pass", "pas"}, 2, "Enter passphrase for @d: \nVerify passphrase: \nPassphrases do not match.\n"},
	{"open --test-passphrase @d", []string{"pass"}, 0, "Enter passphrase for @d: \n"},
	{"open --test-passphrase @d -y", []string{"pass", "pas"}, 2, "Enter passphrase for @d: \nVerify passphrase: \nPassphrases do not match.\n"},
	{
		"open --test-passphrase @d",
		[]string{"a", "b", "pass"},
		0,
		"Enter passphrase for @d: \n" + wrongKey + "Enter passphrase for @d: \n" + wrongKey + "Enter passphrase for @d: \n",
	},
	{
		"open --test-passphrase @d -T 2",
		[]string{"a", "b", "pass"},
		2,
		"Enter passphrase for @d: \n" + wrongKey + "Enter passphrase for @d: \n" + wrongKey,
	},
	{"open --test-passphrase @d -d -", []string{"pass"}, 0, "Enter passphrase for @d: \n"},
	{"open --test-passphrase @d -d @k", nil, 0, ""},
	{"luksDump --dump-volume-key @d", []string{"yes"}, 2, key},
	{"luksDump --dump-volume-key @d", []string{"YES", "wrong"}, 2, key + "Enter passphrase for @d: \n" + wrongKey},
	{
		"luksAddKey @d" + fast1,
		[]string{"pass", "slot1", "slot1"},
		0,
		"Enter any existing passphrase: \nEnter new passphrase for key slot: \nVerify passphrase: \n",
	},
	{"luksAddKey @d" + fast1, []string{"wrong"}, 2, "Enter any existing passphrase: \n" + wrongKey},
	{"luksAddKey -d @k @d" + fast1, []string{"slot2", "slot2"}, 0, "Enter new passphrase for key slot: \nVerify passphrase: \n"},
	{"luksAddKey @d @k3" + fast1, []string{"pass"}, 0, "Enter any existing passphrase: \n"},
	{
		"luksChangeKey @d -S 1" + fast1,
		[]string{"slot1", "slot4", "slot4"},
		0,
		"Enter passphrase to be changed: \nEnter new passphrase: \nVerify passphrase: \n",
	},
	{"luksKillSlot @d 3", []string{"slot3"}, 2, "Enter any remaining passphrase: \n" + wrongKey},
	{"luksKillSlot @d 3", []string{"pass"}, 0, "Enter any remaining passphrase: \n"},
	{"luksKillSlot -q @d 2", nil, 0, ""},
	{"luksRemoveKey @d", []string{"slot4"}, 0, "Enter passphrase to be deleted: \n"},
	{"luksRemoveKey @d", []string{"slot4"}, 2, "Enter passphrase to be deleted: \n" + wrongKey},
	{"luksRemoveKey @d", []string{"pass", "no"}, 2, "Enter passphrase to be deleted: \n" + last + "Operation aborted, the keyslot was NOT wiped.\n\n"},
	{"luksKillSlot @d 0", []string{"no"}, 2, last + "Operation aborted, the keyslot was NOT wiped.\n\n"},
	{"luksUUID @d --uuid " + givenUUID, []string{"no"}, 2, warn + "Do you really want to change UUID of device?" + sure + "Operation aborted.\n\n"},
	{"convert @d --type luks2", []string{"no"}, 2, warn + "This operation will convert @d to LUKS2 format.\n" + sure + "Operation aborted, device was NOT converted.\n\n"},
	{"luksHeaderBackup @d --header-backup-file @b", nil, 0, ""},
	{
		"luksHeaderRestore @d --header-backup-file @b",
		[]string{"no"},
		1,
		warn + "Device @d already contains LUKS1 header. Replacing header will destroy existing keyslots." + sure,
	},
	{"luksUUID -q @d --uuid " + givenUUID, nil, 0, ""},
	{
		"luksHeaderRestore @d --header-backup-file @b", []string{"YES"}, 0, warn +
			"Device @d already contains LUKS1 header. Replacing header will destroy existing keyslots.\nWARNING: real device header has different UUID than backup!" + sure,
	},
	{
		"luksHeaderRestore @e --header-backup-file @b",
		[]string{"YES"},
		0,
		warn + "Device @e does not contain LUKS1 header. Replacing header can destroy data on that device." + sure,
	},
	{
		"erase @d", []string{"no"}, 2, warn + "This operation will erase all keyslots on device @d.\nDevice will become unusable after this operation." +
			sure + "Operation aborted, keyslots were NOT wiped.\n\n",
	},
	{"luksKillSlot @d 0", []string{"YES", "pass"}, 0, last + "Enter any remaining passphrase: \n"},
}

// TestPrompts plays one session at a terminal.
func TestPrompts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range keys() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"d", "e"} {
		if err := writeHoles(filepath.Join(dir, name), 4<<20); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range prompts {
		line := p.line
		if strings.HasPrefix(line, "luksFormat ") {
			line += " --type luks1"
		}
		tty := terminal(t, p.typed)
		args := strings.Fields("cryptsetup " + strings.ReplaceAll(line, "@", dir+"/"))
		code := cli.Main(t.Context(), args, tty.TTY, tty, tty)
		shown := strings.ReplaceAll(tty.Shown(), dir+"/", "@")
		if code != p.code || shown != p.shown {
			t.Errorf("cryptsetup %s, typed %q: status %d and\n%s\nwant %d and\n%s", p.line, p.typed, code, shown, p.code, p.shown)
		}
		if err := tty.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func terminal(t *testing.T, typed []string) *clitest.Terminal {
	t.Helper()
	tty, err := clitest.NewTerminal(typed...)
	if err != nil {
		if os.Getenv("DMIMG_TEST_REQUIRE") == "all" {
			t.Fatalf("pseudo terminals are required: %v", err)
		}
		t.Skipf("no pseudo terminals here: %v", err)
	}
	return tty
}

// TestPromptEnds makes sure that nobody is waited for longer than was said, or after an
// interruption.
func TestPromptEnds(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "d")
	if err := writeHoles(path, 4<<20); err != nil {
		t.Fatal(err)
	}
	made := ours(t, strings.Fields("luksFormat -q --type luks1 "+path+fast1), "pass")
	if made.Code != 0 {
		t.Fatal(made)
	}
	tty := terminal(t, nil)
	defer tty.Close()
	var stdout, stderr bytes.Buffer
	code := cli.Main(t.Context(), strings.Fields("cryptsetup open -t 1 --test-passphrase "+path), tty.TTY, &stdout, &stderr)
	if want := "Enter passphrase for " + path + ": Error reading passphrase from terminal.\n"; code != 1 || stderr.String() != want {
		t.Errorf("after a second: status %d and %q, want 1 and %q", code, stderr.String(), want)
	}
	other := terminal(t, nil)
	defer other.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stderr.Reset()
	code = cli.Main(ctx, strings.Fields("cryptsetup open --test-passphrase "+path), other.TTY, &stdout, &stderr)
	if code != 1 || !strings.HasSuffix(stderr.String(), "Interrupted.\n") {
		t.Errorf("interrupted: status %d and %q", code, stderr.String())
	}
}
