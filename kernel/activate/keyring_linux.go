package activate

import (
	"errors"

	"golang.org/x/sys/unix"
)

// machineKeyring is the keyring of the calling thread (thread-keyring(7)): nobody else
// finds its keys, and it goes with the thread at the latest.
type machineKeyring struct{}

// Add implements [Keyring].
func (machineKeyring) Add(kind KeyType, description string, payload []byte) (int, error) {
	return unix.AddKey(string(kind), description, payload, unix.KEY_SPEC_THREAD_KEYRING)
}

// Remove implements [Keyring]. Revoking wipes the key at once, even if something else
// still refers to it.
func (machineKeyring) Remove(id int) error {
	_, rerr := unix.KeyctlInt(unix.KEYCTL_REVOKE, id, 0, 0, 0)
	_, uerr := unix.KeyctlInt(unix.KEYCTL_UNLINK, id, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
	return errors.Join(rerr, uerr)
}

// keyringHint says what may be done about an errno of add_key(2).
func keyringHint(err error) string {
	switch {
	case errors.Is(err, unix.ENOSYS):
		return " (this kernel has no keyrings: only a key on the table line works)"
	case errors.Is(err, unix.EDQUOT):
		return " (the user has too many keys: see /proc/key-users)"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return " (a container may forbid add_key)"
	}
	return ""
}
