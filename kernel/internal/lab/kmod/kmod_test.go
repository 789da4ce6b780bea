package kmod

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

const modinfo = "license=GPL\x00alias=crypto-xts\x00alias=crypto-xts(*)\x00softdep=pre: ecb post: later\x00" +
	"softdep=post: later pre: cbc-1 a\x00depends=crypto_simd,cryptd\x00name=aesni_intel\x00alias\x00\x00intree=Y"

func TestParseModinfo(t *testing.T) {
	t.Parallel()
	got := parseModinfo("kernel/arch/x86/crypto/aesni-intel.ko", []byte(modinfo))
	if got.Name != "aesni_intel" || !slices.Equal(got.Depends, []string{"crypto_simd", "cryptd"}) ||
		!slices.Equal(got.Before, []string{"ecb", "cbc_1", "a"}) ||
		!slices.Equal(got.Aliases[:2], []string{"crypto-xts", "crypto-xts(*)"}) {
		t.Errorf("got %+v", got)
	}
	if got := parseModinfo("kernel/dm-mod.ko", []byte("depends=\x00")); got.Name != "dm_mod" || got.Depends != nil {
		t.Errorf("of a module without a name: %+v", got)
	}
}

// TestReadModule reads a file that is no module: the test itself is an ELF file on
// Linux, and text anywhere.
func TestReadModule(t *testing.T) {
	t.Parallel()
	if _, err := ReadModule("kernel/a.ko", strings.NewReader("not an ELF file")); err == nil || !strings.Contains(err.Error(), "kernel/a.ko") {
		t.Errorf("of text: got %v, want an error that names the file", err)
	}
	if _, err := ReadModule("kernel/a.ko", bytes.NewReader(elfWithout)); !errors.Is(err, ErrNoModinfo) {
		t.Errorf("of an empty ELF file: got %v, want %v", err, ErrNoModinfo)
	}
}

// elfWithout is the header of an ELF file for amd64 that has no sections.
var elfWithout = append([]byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x3e\x00\x01\x00\x00\x00"),
	append(make([]byte, 28), 0x40, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0)...)

// tree has a circle of soft dependencies, a module that two answer for, and one
// dependency that is built in.
func tree() *Index {
	return NewIndex([]Module{
		{Name: "dm_mod", File: "md/dm-mod.ko", Depends: []string{"dax"}, Aliases: []string{"devname:mapper/control", "char-major-10-236"}},
		{Name: "dm_crypt", File: "md/dm-crypt.ko", Depends: []string{"dm_mod", "trusted"}},
		{Name: "trusted", File: "keys/trusted.ko"},
		{Name: "xts", File: "crypto/xts.ko", Before: []string{"ecb"}, Aliases: []string{"crypto-xts"}},
		{Name: "ecb", File: "crypto/ecb.ko", Before: []string{"xts"}, Aliases: []string{"crypto-ecb"}},
		{Name: "aes_a", File: "crypto/aes-a.ko", Aliases: []string{"crypto-aes", "cpu:type:x86,*feature:*0099*"}},
		{Name: "aes_b", File: "crypto/aes-b.ko", Aliases: []string{"crypto-aes", "crypto-with space"}},
	}, []string{"dax", "sha256-generic"})
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		request, want string
		known         bool
	}{
		{"dm-crypt", "dm_mod trusted dm_crypt", true},
		{"dm_mod", "dm_mod", true},
		{"devname:mapper/control", "dm_mod", true},
		{"crypto_xts", "ecb xts", true},
		{"ecb", "xts ecb", true},
		{"crypto-aes", "aes_a aes_b", true},
		{"crypto-with space", "aes_b", true},
		{"cpu:type:x86,ven0000fam0006:feature:,0000,0099,00A0,", "aes_a", true},
		{"sha256_generic", "", true},
		{"dm-unknown", "", false},
		{"", "", false},
	} {
		for name, index := range map[string]*Index{"made": tree(), "read": reread(t, tree())} {
			var names []string
			for _, m := range index.Resolve(c.request) {
				names = append(names, m.Name)
			}
			if got := strings.Join(names, " "); got != c.want || index.Known(c.request) != c.known {
				t.Errorf("%s: Resolve(%q) = %q, known %t, want %q, %t", name, c.request, got, !c.known, c.want, c.known)
			}
		}
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	selected := tree().Select(func(m Module) bool { return m.Name == "dm_crypt" })
	var names []string
	for _, m := range selected.Modules() {
		names = append(names, m.Name)
	}
	if got, want := strings.Join(names, " "), "dm_crypt dm_mod trusted"; got != want {
		t.Errorf("selected %q, want %q", got, want)
	}
	if !selected.Known("dax") {
		t.Error("what is built in was lost")
	}
}

// reread returns what an index is after writing and reading it.
func reread(t *testing.T, x *Index) *Index {
	t.Helper()
	var b bytes.Buffer
	if _, err := x.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	read, err := ReadIndex(&b)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestReadIndexRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"d dm_mod\n", "m one\n", "m a b\nz c\n", "m a b\na\n", "m a b\nb c d\n", "\n"} {
		if _, err := ReadIndex(strings.NewReader(text)); err == nil {
			t.Errorf("accepted %q", text)
		}
	}
}

func TestParseBuiltin(t *testing.T) {
	t.Parallel()
	got := ParseBuiltin("kernel/crypto/sha256_generic.ko\n\nkernel/drivers/nvme/nvme-core.ko\n")
	if want := []string{"sha256_generic", "nvme_core"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "", true},
		{"*", "", true},
		{"a*b", "axxb", true},
		{"a*b", "axxbc", false},
		{"a*b*c", "abbbc", true},
		{"a/?/*", "a/b/c/d", true},
		{"[a-c]x", "bx", true},
		{"[a-c]x", "dx", false},
		{"[!a-c]x", "dx", true},
		{"[!a-c]x", "ax", false},
		{"[]]x", "]x", true},
		{"[a-]x", "-x", true},
		{"[a", "a", false},
		{"[", "[", false},
		{`\*a`, "*a", true},
		{`\*a`, "ba", false},
		{`a\`, "a", false},
		{"pci:v*d*sv*sd*bc01sc08i02*", "pci:v00001AF4d00001001sv00001AF4sd00000002bc01sc08i02", true},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("match(%q, %q) = %t, want %t", c.pattern, c.name, got, c.want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*[b-d]?\\*", "axxc*")
	f.Add("[!]", "[!]")
	f.Add("****a", "aaaa")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		got := match(pattern, name)
		if !strings.ContainsAny(pattern, `*?[\`) && got != (pattern == name) {
			t.Errorf("match(%q, %q) = %t without wildcards", pattern, name, got)
		}
		if !match("*", name) {
			t.Errorf("* does not match %q", name)
		}
	})
}

func FuzzIndex(f *testing.F) {
	var b bytes.Buffer
	if _, err := tree().WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String(), "crypto-xts")
	f.Add("m a b\na [\n", "[")
	f.Fuzz(func(t *testing.T, text, request string) {
		x, err := ReadIndex(strings.NewReader(text))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, m := range x.Resolve(request) {
			if seen[m.Name] {
				t.Errorf("%s comes twice", m.Name)
			}
			seen[m.Name] = true
		}
	})
}

func FuzzModule(f *testing.F) {
	f.Add(elfWithout)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := ReadModule("kernel/a.ko", bytes.NewReader(data))
		if err == nil && m.File != "kernel/a.ko" {
			t.Errorf("read %+v", m)
		}
		_ = parseModinfo("kernel/a.ko", data)
	})
}
