package main

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/dmimg/dmimg/kernel/internal/lab/guest"
)

// saveArtifacts writes the folder of artifacts to its disk as an archive.
func saveArtifacts() error {
	disk, err := os.OpenFile(guest.Disk(guest.OutSerial), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	buffer := bufio.NewWriterSize(disk, 1<<20)
	archive := tar.NewWriter(buffer)
	err = errors.Join(archive.AddFS(os.DirFS(guest.OutDir)), archive.Close(), buffer.Flush(), disk.Sync(), disk.Close())
	if err != nil {
		return fmt.Errorf("artifacts: %w", err)
	}
	return nil
}
