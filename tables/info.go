package tables

// DeviceInfo is what the kernel says of a live device.
type DeviceInfo struct {
	Name       string
	UUID       string
	DevNo      uint64 // device number, as the kernel's dev_t encodes it for user space
	OpenCount  int32
	TargetsNum uint32 // tables in the live mapping
	Flags      uint32 // DM_*_FLAG bits, such as ReadOnlyFlag
}

// ListItem is one live device in a list of them.
type ListItem struct {
	DevNo uint64
	Name  string
}
