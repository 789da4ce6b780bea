package activate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/kernel/activate"
	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
)

// An image that veritysetup or dmimg verity format has made is mapped as
// /dev/mapper/root, unless it is there already or does not verify.
func ExampleActivator_Verity() {
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	hash, err := os.Open("/dev/sda3")
	if err != nil {
		log.Fatal(err)
	}
	defer hash.Close()
	sb, err := verity.ReadSuperblock(hash, 0)
	if err != nil {
		log.Fatal(err)
	}
	params, err := sb.Params(0)
	if err != nil {
		log.Fatal(err)
	}
	var root []byte // from where you trust it
	result, err := activate.New(c, activate.Options{}).Verity(context.Background(), "root", activate.Verity{
		Params: params, RootHash: root, DataDevice: "/dev/sda2", HashDevice: "/dev/sda3",
		Options:  tables.VerityOptions{PanicOnCorruption: true},
		Existing: activate.ReuseSame, Check: activate.CheckFirstBlock,
	})
	switch {
	case errors.Is(err, activate.ErrMismatch):
		log.Fatal("something else is mapped as root: ", err) // names both root hashes
	case errors.Is(err, activate.ErrCorrupt):
		log.Fatal("do not use this image: ", err) // and it is not mapped
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(result.Info.Name, result.Reused)
}

// The key of a crypt device goes through the keyring of the kernel: the table names it, and
// it is gone when Crypt returns.
func ExampleActivator_Crypt() {
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	key, err := os.ReadFile("/run/keys/volume")
	if err != nil {
		log.Fatal(err)
	}
	defer clear(key) // keys stay their owner's
	_, err = activate.New(c, activate.Options{}).Crypt(context.Background(), "secret", activate.Crypt{
		Tables: []tables.Table{tables.CryptTable{
			Length: 1 << 30, BackendDevice: "/dev/sdb", Encryption: "aes-xts-plain64", SectorSize: 4096,
		}},
		VolumeKey: key, AllowDiscards: true, UUID: activate.DeviceUUID("PLAIN", "", "secret"),
	})
	if err != nil {
		log.Fatal(err) // nothing is left behind
	}
}

// A device that is in use is waited for, but not for ever.
func ExampleActivator_Remove() {
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err = activate.New(c, activate.Options{}).Remove(ctx, "secret", activate.RemoveOptions{MissingOK: true})
	var busy *activate.BusyError
	if errors.As(err, &busy) {
		log.Fatal("still used by ", busy.Users) // "mounted on /mnt", "device top"
	}
	if err != nil {
		log.Fatal(err)
	}
}

// Where there is a file and a table wants a block device: a loop device that goes with
// the table above it.
func ExampleAttachLoop() {
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	loop, err := activate.AttachLoop("/var/lib/image", activate.LoopOptions{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	defer loop.Close() // the table keeps it
	_, err = c.CreateAndLoad(context.Background(), "image", kernel.ActivateOptions{Load: kernel.LoadOptions{ReadOnly: true}},
		tables.LinearTable{Length: 1 << 30, BackendDevice: loop.Path()})
	if err != nil {
		log.Fatal(err)
	}
}

// A host agent that maps its root file system, as the README shows it.
func Example_hostAgent() {
	hash, err := os.Open("/dev/sda3")
	if err != nil {
		log.Fatal(err)
	}
	defer hash.Close()
	sb, err := verity.ReadSuperblock(hash, 0)
	if err != nil {
		log.Fatal(err)
	}
	params, err := sb.Params(0)
	if err != nil {
		log.Fatal(err)
	}
	var root []byte // from where you trust it
	if err := mapRoot(context.Background(), params, root); err != nil {
		log.Fatal(err)
	}
}

func mapRoot(ctx context.Context, params verity.Params, root []byte) error {
	c, err := kernel.OpenControl()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = activate.New(c, activate.Options{}).Verity(ctx, "root", activate.Verity{
		Params: params, RootHash: root, DataDevice: "/dev/sda2", HashDevice: "/dev/sda3",
		Options:  tables.VerityOptions{PanicOnCorruption: true},
		Existing: activate.ReuseSame, Check: activate.CheckFirstBlock,
	})
	return err // activate.ErrMismatch names both root hashes, activate.ErrCorrupt what does not verify
}

// A LUKS volume, opened by its passphrase as cryptsetup opens it: cryptsetup, systemd and
// udev take the device for one of their own.
func ExampleActivator_LUKS() {
	ctx := context.Background()
	disk, err := os.Open("/dev/sdb")
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()
	size, err := disk.Seek(0, io.SeekEnd)
	if err != nil {
		log.Fatal(err)
	}
	header, err := luks.Read(disk) // or a file with a detached header
	if err != nil {
		log.Fatal(err)
	}
	var passphrase []byte // from where you keep it
	key, err := header.Unlock(ctx, passphrase, luks.UnlockOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer key.Wipe()
	c, err := kernel.OpenControl()
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	a := activate.New(c, activate.Options{})
	_, err = a.LUKS(ctx, "secret", activate.LUKS{
		Header: header, Key: key, Device: "/dev/sdb", Size: size,
		Options: activate.Crypt{AllowDiscards: true}, Existing: activate.ReuseSame,
	})
	if errors.Is(err, activate.ErrMismatch) {
		log.Fatal("something else is mapped as secret: ", err)
	}
	if err != nil {
		log.Fatal(err) // no device, no key is left
	}
	// … use /dev/mapper/secret; then
	if _, err := a.Remove(ctx, "secret", activate.RemoveOptions{Integrity: true}); err != nil {
		log.Fatal(err)
	}
}
