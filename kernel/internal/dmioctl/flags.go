package dmioctl

// Bits of Header.Flags (dm-ioctl.h).
const (
	FlagReadOnly        = 1 << 0  // in: load; out: the device, or with FlagQueryInactive the staged table
	FlagSuspend         = 1 << 1  // in: suspend instead of resume; out: suspended
	FlagPersistentDev   = 1 << 3  // in: create with the minor number of Dev
	FlagStatusTable     = 1 << 4  // in: table lines instead of status
	FlagActivePresent   = 1 << 5  // out: there is a live table
	FlagInactivePresent = 1 << 6  // out: a table is staged
	FlagBufferFull      = 1 << 8  // out: the answer did not fit
	FlagSkipBDGet       = 1 << 9  // ignored by the kernel
	FlagSkipLockFS      = 1 << 10 // in: do not freeze the file system
	FlagNoFlush         = 1 << 11 // in: leave I/O queued; do not commit metadata for a status
	FlagQueryInactive   = 1 << 12 // in: about the staged table
	FlagUeventGenerated = 1 << 13 // out: a uevent was sent
	FlagUUID            = 1 << 14 // in: rename sets the UUID; list returns UUIDs
	FlagSecureData      = 1 << 15 // in: wipe the buffers, ours too
	FlagDataOut         = 1 << 16 // out: a message was answered
	FlagDeferredRemove  = 1 << 17 // in: remove when closed; out: will be removed
	FlagInternalSuspend = 1 << 18 // out: suspended by the kernel itself
	FlagIMAMeasurement  = 1 << 19 // in: text of the integrity measurement; FlagStatusTable wins
	FlagListHasUUID     = 1       // in a name list: a UUID follows
	FlagListHasNoUUID   = 2       // in a name list: the device has none
	CookieFlagsShift    = 16      // EventNr of a request: flags of udev above, cookie below
	MinorSecureData     = 20      // since these minor numbers the flags mean something
	MinorDeferredRemove = 27
	MinorListEvents     = 38 // list records have an event number that can be trusted
	MinorIMAMeasurement = 45
)
