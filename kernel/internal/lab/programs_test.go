package lab

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestMissingPrograms(t *testing.T) {
	t.Parallel()
	_, err := findProgram("no-such-program")
	if want := "missing: no-such-program"; !errors.Is(err, ErrMissing) || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
	got := missingPrograms("cryptsetup", "no-such-program", "veritysetup", "qemu-system-x86_64").Error()
	want := "missing: cryptsetup, no-such-program, veritysetup, qemu-system-x86_64: sudo apt-get install cryptsetup-bin qemu-system-x86"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, err := tools(t.Context(), []string{"no-such-program", "nor-this-one"}); !errors.Is(err, ErrMissing) ||
		!strings.Contains(err.Error(), "no-such-program, nor-this-one") {
		t.Errorf("of tools: got %v, want both names", err)
	}
}

func TestCommandFails(t *testing.T) {
	t.Parallel()
	if os.PathSeparator != '/' {
		t.Skip("runs sh")
	}
	_, err := command{name: "sh", args: []string{"-c", "echo said >&2; exit 3"}}.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3: said") {
		t.Errorf("got %v, want the exit status and what it said", err)
	}
}

func TestParseLdd(t *testing.T) {
	t.Parallel()
	got, err := parseLdd("\tlinux-vdso.so.1 (0x00007ffc)\n\tlibdevmapper.so.1.02.1 => /lib/x86_64-linux-gnu/libdevmapper.so.1.02.1 (0x00007f)\n" +
		"\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n")
	if want := []string{"/lib/x86_64-linux-gnu/libdevmapper.so.1.02.1", "/lib64/ld-linux-x86-64.so.2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := parseLdd("\tlibgone.so.1 => not found\n"); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "libgone.so.1") {
		t.Errorf("got %v, want the name of the library", err)
	}
}

func TestInGuest(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"/sbin/dmsetup": "/usr/sbin/dmsetup", "/usr/sbin/dmsetup": "/usr/sbin/dmsetup", "/lib64/ld.so": "/usr/lib64/ld.so",
		"/library/x": "/library/x", "/lab/../bin/x": "/usr/bin/x",
	} {
		if got := inGuest(file); got != want {
			t.Errorf("inGuest(%q) = %q, want %q", file, got, want)
		}
	}
}
