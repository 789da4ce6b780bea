package luks

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/tables"
)

// lines are the table lines of devices, with the names of all but the first.
func lines(t *testing.T, devices []tables.Device) string {
	t.Helper()
	var b strings.Builder
	for _, d := range devices {
		if len(devices) > 1 {
			fmt.Fprintf(&b, "%s: ", d.Name)
		}
		if err := tables.Format(&b, d.Tables...); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestDevices makes tables of headers with one thing changed.
func TestDevices(t *testing.T) {
	t.Parallel()
	image, v := header2(t)
	const size = 4 << 20
	keyring := DeviceOptions{Name: "m", Device: "d", DeviceSize: size, KeyDescription: "k"}
	segments := func(s string) string { return "segments=" + s }
	linear := `{"type":"linear","offset":"2097152","size":"1048576"}`
	second := `{"type":"crypt","offset":"3145728","size":"dynamic","iv_tweak":"8","encryption":"aes-cbc-essiv:sha256","sector_size":4096}`
	area := func(int64) (IntegrityArea, error) {
		return IntegrityArea{TagSize: 32, DataSize: 1808 * 512, Features: []string{"fix_padding"}}, nil
	}
	with := func(f func(o *DeviceOptions)) DeviceOptions {
		o := keyring
		f(&o)
		return o
	}
	integrity := `segments.0.integrity={"type":"hmac(sha256)","journal_encryption":"none","journal_integrity":"none"}`
	for _, c := range []struct {
		name   string
		change string
		o      DeviceOptions
		want   string // lines
		err    error
		text   string // of the error
	}{
		{name: "plain", o: keyring, want: "0 4096 crypt aes-xts-plain64 :64:logon:k 0 d 4096\n"},
		{
			name: "inside a disk", o: with(func(o *DeviceOptions) { o.Offset, o.DeviceSize = 1<<20, size+1<<20 }),
			want: "0 4096 crypt aes-xts-plain64 :64:logon:k 0 d 6144\n",
		},
		{
			name: "options", o: keyring, change: `config.flags=["allow-discards","no-read-workqueue","new"]`,
			want: "0 4096 crypt aes-xts-plain64 :64:logon:k 0 d 4096 2 allow_discards no_read_workqueue\n",
		},
		{
			name: "tweak", o: keyring, change: `segments.0.iv_tweak="7"`,
			want: "0 4096 crypt aes-xts-plain64 :64:logon:k 7 d 4096\n",
		},
		{
			name: "sector size", o: with(func(o *DeviceOptions) { o.DeviceSize = size - 512 }), change: "segments.0.sector_size=4096",
			want: "0 4088 crypt aes-xts-plain64 :64:logon:k 0 d 4096 1 sector_size:4096\n",
		},
		{
			name: "fixed size", o: keyring, change: `segments.0.size="1024"`,
			want: "0 2 crypt aes-xts-plain64 :64:logon:k 0 d 4096\n",
		},
		{name: "cut off", o: keyring, change: `segments.0.size="2097664"`, err: ErrNoData, text: "ends after 2097152"},
		{name: "overflow", o: keyring, change: `segments.0.size="18446744073709551104"`, err: ErrNoData},
		{name: "offset beyond", o: keyring, change: `segments.0.offset="9223372036854775296"`, err: ErrNoData},
		{name: "only the header", o: with(func(o *DeviceOptions) { o.DeviceSize = 2 << 20 }), err: ErrNoData, text: "a header backup"},
		{
			name: "several", o: keyring, change: segments(`{"0":` + linear + `,"1":` + second + `}`),
			want: "0 2048 linear d 4096\n2048 2048 crypt aes-cbc-essiv:sha256 :64:logon:k 8 d 6144 1 sector_size:4096\n",
		},
		{
			name: "backup segments", o: keyring, change: segments(`{"0":` + linear + `,"1":{"type":"what","offset":"0","size":"512","flags":["backup-final"]}}`),
			want: "0 2048 linear d 4096\n",
		},
		{name: "unknown kind", o: keyring, change: `segments.0.type="what"`, err: ErrUnsupported, text: `type "what"`},
		{name: "OPAL", o: keyring, change: `segments.0.type="hw-opal-crypt"`, err: ErrUnsupported, text: "unlock it there"},
		{name: "re-encryption", o: keyring, change: `config.requirements={"mandatory":["offline-reencrypt"]}`, err: ErrUnsupported, text: "--resume-only"},
		{name: "re-encryption of a segment", o: keyring, change: `segments.0.flags=["in-reencryption"]`, err: ErrUnsupported, text: "--resume-only"},
		{name: "requirement", o: keyring, change: `config.requirements={"mandatory":["magic"]}`, err: ErrUnsupported, text: `requires "magic"`},
		{name: "tags in the drive", o: keyring, change: `config.requirements={"mandatory":["inline-hw-tags"]}`, err: ErrUnsupported, text: "not in an image"},
		{name: "no key", o: with(func(o *DeviceOptions) { o.KeyDescription = "" }), err: ErrWrongKey, text: "a key is needed"},
		{name: "integrity, not asked for", o: keyring, change: integrity, err: ErrUnsupported, text: "hmac(sha256)"},
		{
			name: "integrity", o: with(func(o *DeviceOptions) { o.Integrity = area }), change: integrity,
			want: "m_dif: 0 1808 integrity d 4096 32 J 1 fix_padding\n" +
				"m: 0 1808 crypt capi:authenc(hmac(sha256),xts(aes))-plain64 :64:logon:k 0 /dev/mapper/m_dif 0 1 integrity:32:aead\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			doc := v.JSON
			if c.change != "" {
				doc = apply(t, doc, c.change)
				if strings.HasPrefix(c.change, "segments=") {
					doc = bytes.Replace(doc, []byte(`"segments":["0"]`), []byte(`"segments":["0","1"]`), 1)
				}
			}
			changed := bytes.Clone(image)
			twoCopies(t, changed, v, doc)
			h, err := Read(bytes.NewReader(changed))
			if err != nil {
				t.Fatal(err)
			}
			devices, err := h.Devices(nil, c.o)
			if !errors.Is(err, c.err) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Fatalf("error %v, want %v with %q", err, c.err, c.text)
			}
			if err == nil && lines(t, devices) != c.want {
				t.Errorf("tables\n%swant\n%s", lines(t, devices), c.want)
			}
		})
	}
}

// TestAuthenticatedSpec names ciphers as kernels did for cryptsetup's volumes.
func TestAuthenticatedSpec(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ encryption, integrity, spec, kind string }{
		{"aes-xts-plain64", "hmac(sha256)", "capi:authenc(hmac(sha256),xts(aes))-plain64", "aead"},
		{"aes-cbc-essiv:sha256", "hmac(sha1)", "capi:authenc(hmac(sha1),cbc(aes))-essiv:sha256", "aead"},
		{"aegis128-random", "aead", "capi:aegis128-random", "aead"},
		{"aes-gcm-random", "aead", "capi:gcm(aes)-random", "aead"},
		{"chacha20-random", "poly1305", "capi:rfc7539(chacha20,poly1305)-random", "aead"},
		{"aes-ccm-random", "aead", "capi:rfc4309(ccm(aes))-random", "aead"},
		{"aes-xts-random", "none", "aes-xts-random", "none"},
	} {
		spec, kind := AuthenticatedSpec(c.encryption, c.integrity)
		if spec != c.spec || kind != c.kind {
			t.Errorf("%s with %s: %s %s, want %s %s", c.encryption, c.integrity, spec, kind, c.spec, c.kind)
		}
	}
}
