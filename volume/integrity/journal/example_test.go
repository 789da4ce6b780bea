package journal_test

import (
	"context"
	"fmt"
	"log"

	"github.com/dmimg/dmimg/volume/integrity/journal"
)

// places is where blocks belong: a layout without tags between the data, to keep
// the example short. Package volume/integrity has the real one.
type places struct {
	device memory
	data   int64 // offset of sector 0
	tags   int64 // offset of its tag
}

func (p places) WriteBlocks(data, tags []byte, sector uint64) error {
	copy(p.device[p.data+int64(sector)*512:], data)
	copy(p.device[p.tags+int64(sector)*4:], tags)
	return nil
}

func (p places) Sync() error { return p.device.Sync() }

// A device writes through the journal and is killed; who opens it next sees what
// was synced, though it never reached its place.
func Example() {
	ctx := context.Background()
	device := make(memory, 1<<20)
	j, err := journal.New(journal.Config{Start: 4096, Sections: 3, TagSize: 4, DataSectors: 100})
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close()
	if err := j.Format(ctx, device); err != nil {
		log.Fatal(err)
	}

	// A writer whose places are lost: the machine dies before they are written.
	w, err := j.NewWriter(ctx, device, nowhere{})
	if err != nil {
		log.Fatal(err)
	}
	block := make([]byte, 512)
	copy(block, "synced")
	if err := w.WriteBlocks(block, []byte("tag7"), 7); err != nil {
		log.Fatal(err)
	}
	if err := w.Sync(); err != nil {
		log.Fatal(err)
	}

	// To read: nothing is written.
	o, err := j.ReadOverlay(ctx, device)
	if err != nil {
		log.Fatal(err)
	}
	tag := make([]byte, 4)
	found, err := o.ReadBlock(block, tag, 7)
	fmt.Printf("%t %s %s %v\n", found, block[:6], tag, err)

	// To write: the journal is replayed and emptied first.
	p := places{device, 4096 + j.Size(), 4096 + j.Size() + 100*512}
	w, err = j.NewWriter(ctx, device, p)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %s\n", device[p.data+7*512:][:6], device[p.tags+7*4:][:4])
	if err := w.Close(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// true synced tag7 <nil>
	// synced tag7
}
