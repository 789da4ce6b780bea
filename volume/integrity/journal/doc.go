// Package journal reads, replays and writes the journal of dm-integrity, and
// the bitmap that may be in its place, over plain readers and writers.
//
// Every write of an integrity device in mode J goes to the journal first, block
// and tag together, so that a crash leaves no block with the wrong tag. What the
// journal holds counts for more than what stands in the places behind it. The
// format is that of Linux (Documentation/admin-guide/device-mapper/
// dm-integrity.rst); what that leaves open, commit ids, MACs, encryption and the
// rule of the replay, was found out with live kernels and is held by tests with
// what they left behind.
//
//	j, err := journal.New(journal.Config{Start: 4096, Sections: 88, TagSize: 4, DataSectors: 1 << 20})
//	if err != nil { … }
//	defer j.Close()
//	o, err := j.ReadOverlay(ctx, device)          // to read, writing nothing
//	found, err := o.ReadBlock(data, tag, sector)  // else it is where it belongs
//
//	w, err := j.NewWriter(ctx, device, sink)      // replays, then writes
//	err = w.WriteBlocks(data, tags, sector)
//	err = w.Sync()                                // safe from here on
//
// It knows neither superblocks nor where data and tags are: package
// volume/integrity does, fills in the [Config] and implements [Sink]. The layout
// with tags in the sectors of the device itself (mode I) has no journal.
package journal
