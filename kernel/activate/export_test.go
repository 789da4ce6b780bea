package activate

// MachineKeyring is the kernel's.
var MachineKeyring Keyring = machineKeyring{}
