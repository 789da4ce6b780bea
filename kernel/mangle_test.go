package kernel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

func TestMangle(t *testing.T) {
	t.Parallel()
	const refused = "\x00refused"
	for _, e := range []struct {
		name, auto, hex string
	}{
		{"plain", "plain", "plain"},
		{"A-z0#+-.:=@_9", "A-z0#+-.:=@_9", "A-z0#+-.:=@_9"},
		{"a b", `a\x20b`, `a\x20b`},
		{"ä", `\xc3\xa4`, `\xc3\xa4`},
		{"a\xffb\n", `a\xffb\x0a`, `a\xffb\x0a`},
		{`back\slash`, `back\x5cslash`, `back\x5cslash`},
		{`a\x20b`, `a\x20b`, `a\x5cx20b`},
		{`a\xC3b`, `a\xC3b`, `a\x5cxC3b`},
		{`a\x2`, refused, `a\x5cx2`},
		{`a\x5Cx20`, `a\x5Cx20`, `a\x5cx5Cx20`},
		{`a\`, `a\x5c`, `a\x5c`},
		{`a\x20 b`, refused, `a\x5cx20\x20b`},
		{`a\x5cx20`, refused, `a\x5cx5cx20`},
		{`\x5c`, `\x5c`, `\x5cx5c`},
		{`\xzz`, refused, `\x5cxzz`}, // libdm keeps it
		{"", "", ""},
	} {
		for _, m := range []struct {
			how  kernel.Mangling
			want string
		}{{kernel.MangleAuto, e.auto}, {kernel.MangleHex, e.hex}, {kernel.MangleNone, e.name}} {
			got, err := kernel.Mangle(e.name, m.how)
			if m.want == refused {
				if !errors.Is(err, kernel.ErrInvalid) {
					t.Errorf("%q, %d: %q, %v", e.name, m.how, got, err)
				}
				continue
			}
			if got != m.want || err != nil {
				t.Errorf("%q, %d: %q, %v, want %q", e.name, m.how, got, err, m.want)
			}
		}
		if back := kernel.Unmangle(e.hex); back != e.name {
			t.Errorf("%q came back as %q", e.name, back)
		}
	}
}

func FuzzMangle(f *testing.F) {
	for _, s := range []string{"a b", `\x20`, `\x5cx20`, "ä\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		hex, err := kernel.Mangle(name, kernel.MangleHex)
		if err != nil || kernel.Unmangle(hex) != name {
			t.Fatalf("%q: %q, %v", name, hex, err)
		}
		auto, err := kernel.Mangle(name, kernel.MangleAuto)
		if err != nil {
			return
		}
		if again, err := kernel.Mangle(auto, kernel.MangleAuto); err != nil || again != auto {
			t.Fatalf("%q: %q, then %q, %v", name, auto, again, err)
		}
	})
}

// TestNames checks what may be a name before the kernel sees it.
func TestNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 128)
	for _, how := range []kernel.Mangling{kernel.MangleAuto, kernel.MangleNone, kernel.MangleHex} {
		k, c := newFake(t, kerneltest.Options{}, kernel.Options{Mangling: how})
		k.ForgetCalls()
		for _, name := range []string{"", ".", "..", "control", "a/b", "/dev/mapper/a", "a\x00b", long} {
			_, err := c.Create(name, kernel.CreateOptions{})
			if !errors.Is(err, kernel.ErrInvalid) {
				t.Errorf("name %q: %v", name, err)
			}
			if _, err := c.Info(kernel.ByName(name), kernel.InfoOptions{}); !errors.Is(err, kernel.ErrInvalid) {
				t.Errorf("name %q of a device: %v", name, err)
			}
		}
		for _, uuid := range []string{"a\x00b", long + "n"} {
			if _, err := c.Create("a", kernel.CreateOptions{UUID: uuid}); !errors.Is(err, kernel.ErrInvalid) {
				t.Errorf("UUID %q: %v", uuid, err)
			}
		}
		if calls := k.Calls(); len(calls) != 0 {
			t.Errorf("the kernel was asked: %v", calls)
		}
		for _, name := range []string{long[1:], "...", "Control", "a b"} {
			info, err := c.Create(name, kernel.CreateOptions{UUID: name + "u"})
			if err != nil || info.Name != name || info.UUID != name+"u" {
				t.Errorf("name %q: %+v, %v", name, info, err)
			}
		}
		want := `a\x20b`
		if how == kernel.MangleNone {
			want = "a b"
		}
		if d := k.Devices(); d[3-len(d)+1] == "" || !strings.Contains(strings.Join(d, "|"), want) {
			t.Errorf("the kernel's names: %q", d)
		}
	}
	_, c := newFake(t, kerneltest.Options{}, kernel.Options{})
	if _, err := c.Create(strings.Repeat(" ", 32), kernel.CreateOptions{}); !errors.Is(err, kernel.ErrInvalid) || !strings.Contains(err.Error(), "mangled 128") {
		t.Errorf("a name that is too long when it is mangled: %v", err)
	}
}
