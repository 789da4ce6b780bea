package activate

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// KeyType is a type of keys in the kernel, see keyrings(7).
type KeyType string

// The types of keys that tables can name.
const (
	// LogonKey is a key that no program can read; its description begins with a word and
	// a colon.
	LogonKey KeyType = "logon"
	// UserKey is a key that its owner can read.
	UserKey KeyType = "user"
)

// Keyring holds keys while a table is loaded. It is called on the thread that then loads
// the table. Errors are syscall.Errno, perhaps wrapped.
type Keyring interface {
	// Add puts in a key, where a table that this thread loads finds it. It must not keep
	// payload.
	Add(kind KeyType, description string, payload []byte) (id int, err error)
	// Remove destroys the key.
	Remove(id int) error
}

// ErrKeyring: the kernel's keyring did not take or give up a key.
var ErrKeyring = errors.New("kernel keyring")

// maxPayload is the kernel's limit of a key of the types here, in bytes.
const maxPayload = 32767

// key is one key for the keyring.
type key struct {
	kind        KeyType
	description string
	payload     []byte // the caller's
}

// word is how a crypt table names the key.
func (k key) word() string {
	return fmt.Sprintf(":%d:%s:%s", len(k.payload), k.kind, k.description)
}

// check refuses what the keyring or a table cannot hold.
func (k key) check() error {
	prefix, _, found := strings.Cut(k.description, ":")
	switch {
	case len(k.payload) == 0 || len(k.payload) > maxPayload:
		return fmt.Errorf("%w: a key of %d bytes: 1 to %d are possible", ErrKeyring, len(k.payload), maxPayload)
	case k.description == "" || strings.ContainsFunc(k.description, needsEscape):
		return fmt.Errorf("%w: description %q: it must be there, and hold no blanks, backslashes or control characters", ErrKeyring, k.description)
	case k.kind == LogonKey && (!found || prefix == ""):
		return fmt.Errorf("%w: description %q: that of a logon key begins with a word and a colon, as in dmimg:%s", ErrKeyring, k.description, k.description)
	}
	return nil
}

// needsEscape reports whether r would end a word of a table, or is none to print.
func needsEscape(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }

// withKeys does something while keys are in the keyring. They are found by what this
// thread does: a thread keyring belongs to one, and a process keyring of a Go program only
// to threads that were made by the one that made it.
func (a *Activator) withKeys(keys []key, do func() error) (err error) {
	if len(keys) == 0 {
		return do()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, k := range keys {
		if err := k.check(); err != nil {
			return err
		}
		id, aerr := a.options.Keyring.Add(k.kind, k.description, k.payload)
		if aerr != nil {
			return fmt.Errorf("%w: adding the %s key %s: %w%s", ErrKeyring, k.kind, k.description, aerr, keyringHint(aerr))
		}
		defer func() { // also when do panics
			if rerr := a.options.Keyring.Remove(id); rerr != nil {
				err = errors.Join(err, fmt.Errorf("%w: removing the %s key %s: %w", ErrKeyring, k.kind, k.description, rerr))
			}
		}()
	}
	return do()
}
