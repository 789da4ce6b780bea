package activate_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/kernel/kerneltest"
)

// TestSignatureErrors explains what the kernel means by an errno, when there is a signature
// and not otherwise.
func TestSignatureErrors(t *testing.T) {
	t.Parallel()
	for errno, text := range map[syscall.Errno]string{
		syscall.ENOKEY: "trusts no key", syscall.EBADMSG: "not PKCS#7", syscall.EKEYREJECTED: "another root hash",
		syscall.ENOPKG: "algorithm", syscall.EKEYEXPIRED: "not valid any more", syscall.EKEYREVOKED: "not valid any more",
		syscall.ENOMEM: "",
	} {
		for _, c := range []struct {
			name    string
			change  func(v *activate.Verity)
			explain bool
		}{
			{"with a signature", func(v *activate.Verity) { v.Signature = []byte("x") }, text != ""},
			{"with one that is there", func(v *activate.Verity) { v.Options.RootHashSigKeyDesc = "there:already" }, text != ""},
			{"without", func(*activate.Verity) {}, false},
		} {
			f := newFake(t, activate.Options{})
			f.kernel.Inject(kerneltest.Fault{Call: "load", Err: errno})
			v := image()
			c.change(&v)
			_, err := f.Verity(t.Context(), "root", v)
			if !isAll(err, errno) || isAll(err, activate.ErrSignature) != c.explain || c.explain && !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v: got %v, want %q", c.name, errno, err, text)
			}
			f.expectDevices(t)
		}
	}
}
