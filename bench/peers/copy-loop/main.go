// Command copy-loop copies a file as one thread does with a buffer: read, write, and
// so on, and at the end to the disk, as dmimg does before it names a file. It is what
// a command that also works on the bytes is compared with.
//
//	copy-loop SIZE-OF-BUFFER FROM TO
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "copy-loop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return errors.New("usage: copy-loop SIZE-OF-BUFFER FROM TO")
	}
	size, err := strconv.Atoi(args[0])
	if err != nil || size < 1 || size > 1<<30 {
		return fmt.Errorf("size of buffer %q: not a number of bytes up to a GiB", args[0])
	}
	from, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(args[2], os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(copyAll(to, from, make([]byte, size)), to.Sync(), to.Close())
}

func copyAll(to, from *os.File, buf []byte) error {
	for off := int64(0); ; {
		n, err := from.ReadAt(buf, off)
		if _, err := to.WriteAt(buf[:n], off); err != nil {
			return err
		}
		off += int64(n)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
