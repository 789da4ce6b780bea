package dmsetup

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dmimg/dmimg/kernel"
)

// cookieMagic is the upper half of a cookie.
const cookieMagic = 0x0d4d

// createCookie prints a new cookie, or nothing where there is no udev.
func (t *tool) createCookie([]string) error {
	c, err := t.open()
	if err != nil {
		return err
	}
	k, err := c.NewCookie()
	if err != nil {
		return failf("Could not create a cookie: %s", strerror(err))
	}
	if k.Value() != 0 {
		t.printf("0x%08X\n", k.Value())
	}
	return nil
}

// releaseCookie waits until udev has finished with a cookie, and removes it.
func (t *tool) releaseCookie(args []string) error {
	text := t.host.Getenv("DM_UDEV_COOKIE")
	if len(args) > 0 {
		text = args[0]
	}
	if text == "" {
		return failf("No udev transaction cookie given.")
	}
	if !t.udevRunning() {
		_, err := cookieValue(text)
		return err
	}
	k, err := t.openCookie(text)
	if err != nil {
		return err
	}
	if err := k.Wait(t.ctx); err != nil {
		return failf("Waiting for udev: %w", err)
	}
	return nil
}

// udevFlagNames are the flags in the upper half of a cookie that have a name.
var udevFlagNames = []string{
	"DISABLE_DM_RULES", "DISABLE_SUBSYSTEM_RULES", "DISABLE_DISK_RULES", "DISABLE_OTHER_RULES",
	"LOW_PRIORITY", "DISABLE_LIBRARY_FALLBACK", "PRIMARY_SOURCE",
}

// subsystemFlags is the number of the first flag that belongs to the subsystem.
const subsystemFlags = 8

// cookieFlags prints the flags in a cookie as udev's rules import them.
func (t *tool) cookieFlags(args []string) error {
	value, err := cookieValue(args[0])
	if err != nil {
		return err
	}
	for bit := range 16 {
		if value>>16&(1<<bit) == 0 {
			continue
		}
		switch {
		case bit < len(udevFlagNames):
			t.printf("DM_UDEV_%s_FLAG='1'\n", udevFlagNames[bit])
		case bit < subsystemFlags:
			t.printf("DM_UDEV_FLAG%d='1'\n", bit)
		default:
			t.printf("DM_SUBSYSTEM_UDEV_FLAG%d='1'\n", bit-subsystemFlags)
		}
	}
	return nil
}

// completeCookie is what udev's last rule calls.
func (t *tool) completeCookie(args []string) error {
	value, err := cookieValue(args[0])
	if err != nil {
		return err
	}
	t.printf("DM_COOKIE_COMPLETED=0x%-10x\n", value)
	c, err := t.open()
	if err != nil {
		return err
	}
	if !t.udevRunning() {
		return nil
	}
	value = cookieMagic<<16 | value&0xffff
	if err := c.Complete(value); err != nil {
		return failf("Could not find notification semaphore identified by cookie value %d (0x%x)", value, value)
	}
	return nil
}

// completeAll removes cookies that are left over.
func (t *tool) completeAll(args []string) error {
	age, older := 0, ""
	if len(args) > 0 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 {
			return failf("Failed to read age_in_minutes parameter.")
		}
		if age = n; age > 0 {
			older = fmt.Sprintf(" older than %d minutes", age)
		}
	}
	warning := fmt.Sprintf("This operation will destroy all semaphores%s with keys that have a prefix %d (0x%x).", older, cookieMagic, cookieMagic)
	if !t.has("yes") && !t.confirmed(warning) {
		t.printf("Semaphores with keys prefixed by %d (0x%x) NOT destroyed.\n", cookieMagic, cookieMagic)
		return nil
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	cookies, err := c.Cookies()
	if err != nil {
		return failf("Could not list the semaphores: %s", strerror(err))
	}
	destroyed, skipped := 0, 0
	for _, info := range cookies {
		if age > 0 && time.Since(lastChange(info)) < time.Duration(age)*time.Minute {
			skipped++
			continue
		}
		k, err := c.OpenCookie(info.Value)
		if err == nil {
			err = k.Discard()
		}
		if errors.Is(err, kernel.ErrNotFound) {
			continue // its owner was faster
		}
		if err != nil {
			return failf("Could not remove the semaphore of cookie 0x%x: %s", info.Value, strerror(err))
		}
		destroyed++
	}
	t.printf("%d semaphores with keys prefixed by %d (0x%x) destroyed. %d skipped.\n", destroyed, cookieMagic, cookieMagic, skipped)
	return nil
}

// lastChange is when somebody last did something with a cookie.
func lastChange(c kernel.CookieInfo) time.Time {
	if c.LastOp.After(c.Changed) {
		return c.LastOp
	}
	return c.Changed
}

// confirmed asks whether to go on.
func (t *tool) confirmed(warning string) bool {
	t.sayf("WARNING: %s", warning)
	t.printf("Do you really want to continue? [y/n]: ")
	answer, err := bufio.NewReader(t.In).ReadString('\n')
	if err != nil {
		t.printf("\n")
	}
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(answer)), "y")
}

// listCookies prints the cookies there are.
func (t *tool) listCookies([]string) error {
	semaphores, err := t.host.System.Semaphores()
	if err != nil {
		return failf("Could not list the semaphores: %s", strerror(err))
	}
	t.printf("Cookie       Semid      Value      Last semop time           Last change time\n")
	for _, s := range semaphores {
		if s.Key>>16 == cookieMagic {
			t.printf("0x%-10x %-10d %-10d %s  %s\n", s.Key, s.ID, s.Value, cTime(s.LastOp), cTime(s.Changed))
		}
	}
	return nil
}

// cTime is a time as C's ctime prints it; the zero time is the epoch.
func cTime(at time.Time) string {
	if at.IsZero() {
		at = time.Unix(0, 0)
	}
	return at.Local().Format("Mon Jan _2 15:04:05 2006")
}
