package volume_test

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dmimg/dmimg/tables"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/volume"
)

// readProven reads the bytes at off of a device, given as text for dmsetup. The
// README shows it.
func readProven(table string, p []byte, off int64) error {
	ts, err := tables.Parse(strings.NewReader(table)) // as dmsetup takes it
	if err != nil {
		return err
	}
	v, err := volume.OpenUserspaceVolume(os.O_RDONLY, 0, ts...) // any targets, any number
	if err != nil {
		return err
	}
	defer v.Close()
	_, err = v.ReadAt(p, off) // decrypted, and proven up to the root hash, on the way
	if damage := new(verity.CorruptError); errors.As(err, &damage) {
		return fmt.Errorf("block %d of level %d is not what was signed", damage.Block, damage.Level)
	}
	return err
}

func Example() {
	p := []byte("whatever was here before")
	err := readProven("0 8 zero", append(p, make([]byte, 512-len(p))...), 0)
	fmt.Println(err)
	err = readProven("0 8 linear nothing.img 0", make([]byte, 512), 0)
	fmt.Println(errors.Is(err, volume.ErrNoDevice))
	// Output:
	// <nil>
	// true
}
