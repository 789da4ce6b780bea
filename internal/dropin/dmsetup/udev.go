package dmsetup

import (
	"strconv"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// udevUse is how a verb goes together with udev.
type udevUse struct {
	options kernel.UdevOptions
	discard *kernel.Cookie // --noudevsync: nobody waits for it
}

// done ends what the verb does not wait for.
func (u udevUse) done() error {
	if u.discard == nil {
		return nil
	}
	return u.discard.Discard()
}

// udevOptions is what --udevcookie, DM_UDEV_COOKIE, --noudevsync and --noudevrules say.
// Without udev there is nothing to wait for, and they mean nothing.
func (t *tool) udevOptions() (u udevUse, err error) {
	c, err := t.open()
	if err != nil {
		return u, err
	}
	if t.has("noudevrules") {
		u.options.Flags = kernel.UdevNoDMRules | kernel.UdevNoSubsystemRules
	}
	text := t.host.Getenv("DM_UDEV_COOKIE")
	if t.has("udevcookie") {
		text = t.values["udevcookie"]
	}
	switch {
	case !t.udevRunning():
	case t.has("noudevsync"):
		u.discard, err = c.NewCookie()
		u.options.Cookie = u.discard
	case text != "":
		u.options.Cookie, err = t.openCookie(text)
	}
	return u, err
}

// checkCookie refuses a cookie that is none, before anything is done.
func (t *tool) checkCookie() error {
	if t.has("udevcookie") && t.udevRunning() {
		_, err := t.openCookie(t.values["udevcookie"])
		return err
	}
	return nil
}

// udevRunning reports whether there is a udev to wait for.
func (t *tool) udevRunning() bool {
	return t.host.Getenv("DM_DISABLE_UDEV") == "" && t.host.System.UdevRunning()
}

// openCookie is the cookie of this value.
func (t *tool) openCookie(text string) (*kernel.Cookie, error) {
	value, err := cookieValue(text)
	if err != nil {
		return nil, err
	}
	if value>>16 != cookieMagic {
		return nil, failf("Could not continue to access notification semaphore identified by cookie value %d (0x%x). Incorrect cookie prefix.", value, value)
	}
	c, err := t.open()
	if err != nil {
		return nil, err
	}
	k, err := c.OpenCookie(value)
	if err != nil {
		return nil, failf("Could not find notification semaphore identified by cookie value %d (0x%x)", value, value)
	}
	return k, nil
}

// cookieValue reads a number as C does, octal and hexadecimal too; 0 is none.
func cookieValue(text string) (uint32, error) {
	text = strings.TrimSpace(text)
	base := 10
	switch digits := strings.ToLower(text); {
	case strings.HasPrefix(digits, "0x"):
		text, base = text[2:], 16
	case strings.HasPrefix(digits, "0"):
		base = 8
	}
	n, err := strconv.ParseUint(text, base, 32)
	if err != nil || n == 0 {
		return 0, failf("Incorrect cookie value.")
	}
	return uint32(n), nil
}
