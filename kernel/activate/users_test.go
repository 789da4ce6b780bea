package activate

import (
	"slices"
	"strings"
	"testing"
)

func TestMountsOf(t *testing.T) {
	t.Parallel()
	const text = "22 27 253:3 / / rw shared:1 - ext4 /dev/mapper/root rw\n23 22 253:31 / /x rw - ext4 x rw\n24 22 253:3 /a /b\\040c rw - ext4 x rw\n\n1 2 253:3\n"
	if got, want := mountsOf(text, "253:3"), []string{"/", `/b\040c`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := mountsOf("", "253:3"); got != nil {
		t.Errorf("got %q of nothing", got)
	}
}

func FuzzMountsOf(f *testing.F) {
	f.Add("22 27 253:3 / / rw shared:1 - ext4 /dev/mapper/root rw\n", "253:3")
	f.Add("1 2 3\n\x00", "3")
	f.Fuzz(func(t *testing.T, text, devno string) {
		for _, dir := range mountsOf(text, devno) {
			if dir == "" || !strings.Contains(text, dir) {
				t.Errorf("%q is not in %q", dir, text)
			}
		}
	})
}
