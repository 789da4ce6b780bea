// Package luks reads, makes and changes LUKS1 and LUKS2 headers, finds the volume key with a
// passphrase or checks a given one, and says which device-mapper tables the data is behind.
//
// It follows the LUKS1 On-Disk Format Specification 1.2.3 and the LUKS2 On-Disk
// Format Specification 1.1.1, and cryptsetup 2.6 in what it accepts and refuses
// beyond them; where the two differ, cryptsetup wins.
//
//	h, err := luks.Read(f)                           // f is the image or a detached header
//	key, err := h.Unlock(ctx, passphrase, luks.UnlockOptions{})
//	defer key.Wipe()
//	devices, err := h.Devices(key, luks.DeviceOptions{Device: "disk.img", DeviceSize: size})
//	v, err := volume.Open(volume.Options{}, devices[0].Tables...)
//
// A header is made with
//
//	key, err := luks.Format(ctx, f, passphrase, luks.FormatOptions{}) // f is a Storage
//
// like the one that cryptsetup's luksFormat makes of the same options, and changed with
//
//	f, err := luks.OpenFile("disk.img", true) // locked as cryptsetup does it
//	e, err := luks.Edit(f)
//	slot, err := e.AddKey(ctx, key, passphrase, luks.SlotOptions{Slot: luks.AnySlot})
//
// Everything in a header is hostile until it was checked: sizes are bounded before
// memory is taken, and a key slot that would need very much memory or time is refused
// unless the caller allows it. What is decoded is encoded again with nothing lost, unknown
// members of the JSON included. Reading never writes; making and changing a header writes
// in such an order that a crash leaves the old header or the new one, or, while an image
// is formatted, none.
//
// It does not encrypt the data itself (package volume does, through those tables), format
// dm-integrity areas, recover an interrupted re-encryption, or talk to self-encrypting drives
// (OPAL), key servers, TPMs or tokens: those are listed and refused by name.
package luks
