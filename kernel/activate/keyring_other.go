//go:build !linux

package activate

import "github.com/dmimg/dmimg/kernel"

// machineKeyring answers kernel.ErrNotSupported.
type machineKeyring struct{}

// Add implements [Keyring].
func (machineKeyring) Add(KeyType, string, []byte) (int, error) { return 0, kernel.ErrNotSupported }

// Remove implements [Keyring].
func (machineKeyring) Remove(int) error { return kernel.ErrNotSupported }

func keyringHint(error) string { return "" }
