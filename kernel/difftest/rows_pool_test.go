package difftest

import "fmt"

// poolRows are thin-pool and thin.
func poolRows() []row {
	pool := func(options string, messages ...string) device {
		line := "0 2048 thin-pool {0} {1} 128 0" + options
		return device{name: "pool", lines: []string{line}, messages: messages}
	}
	disks := []disk{{size: 256 * kib, zeros: true}, {size: 1024 * kib}}
	list := []row{
		{name: "thin/new", short: true, disks: disks, devices: []device{pool(" 0", "create_thin 0"), {lines: []string{"0 1024 thin {pool} 0"}}}},
		{name: "thin/unzeroed", disks: disks, devices: []device{pool(" 1 skip_block_zeroing", "create_thin 7"), {lines: []string{"0 1024 thin {pool} 7"}}}},
		{name: "thin/snapshot", disks: disks, devices: []device{
			pool(" 0", "create_thin 0", "create_snap 1 0"), {lines: []string{"0 1000 thin {pool} 1"}},
		}},
		{name: "thin/external origin", disks: append(disks[:2:2], disk{size: 128 * kib}), devices: []device{
			pool(" 0", "create_thin 3"), {lines: []string{"0 1024 thin {pool} 3 {2}"}},
		}},
		{name: "thin/longer than the pool", disks: disks, devices: []device{pool(" 1 error_if_no_space", "create_thin 0"), {lines: []string{"0 2048 thin {pool} 0"}}}},
	}
	for _, options := range []string{
		" 0", " 1 skip_block_zeroing", " 1 ignore_discard", " 1 no_discard_passdown", " 1 error_if_no_space",
		" 4 skip_block_zeroing ignore_discard no_discard_passdown error_if_no_space",
	} {
		d := pool(options)
		d.name = ""
		list = append(list, row{name: "thin-pool/options" + options, disks: disks, devices: []device{d}, noRead: "a pool does no I/O of its own", noWrite: "a pool does no I/O of its own"})
	}
	for _, block := range []int{128, 256, 1024} {
		list = append(list, row{
			name: fmt.Sprintf("thin/blocks of %d", block), disks: disks, devices: []device{
				{name: "pool", lines: []string{fmt.Sprintf("0 2048 thin-pool {0} {1} %d 1 1 skip_block_zeroing", block)}, messages: []string{"create_thin 0"}},
				{lines: []string{"0 512 thin {pool} 0"}},
			},
		})
	}
	return list
}

// snapshotRows are snapshot, snapshot-origin and snapshot-merge.
func snapshotRows() []row {
	disks := []disk{{size: 256 * kib}, {size: 512 * kib, zeros: true}}
	list := []row{
		{name: "snapshot/transient", disks: disks, devices: lines("0 512 snapshot {0} {1} N 8")},
		{name: "snapshot/overflow", disks: []disk{{size: 256 * kib}, {size: 32 * kib, zeros: true}}, devices: lines("0 512 snapshot {0} {1} P 8")},
		{name: "snapshot/discard features", disks: disks, devices: lines("0 512 snapshot {0} {1} P 32 2 discard_zeroes_cow discard_passdown_origin")},
		{name: "snapshot/shorter", disks: disks, devices: lines("0 400 snapshot {0} {1} P 8")},
		{name: "snapshot-origin/alone", disks: disks, devices: lines("0 512 snapshot-origin {0}")},
		{name: "snapshot-origin/with a snapshot", disks: disks, devices: []device{
			{name: "base", lines: []string{"0 512 linear {0} 0"}},
			{name: "snap", lines: []string{"0 512 snapshot {base} {1} P 8"}},
			{lines: []string{"0 512 snapshot-origin {base}"}},
		}},
		{name: "snapshot-merge/nothing to merge", disks: disks, devices: lines("0 512 snapshot-merge {0} {1} P 8")},
	}
	for _, kind := range []string{"P", "PO"} {
		for _, chunk := range []int{8, 16, 64} {
			list = append(list, row{
				name: fmt.Sprintf("snapshot/%s %d", kind, chunk), short: kind == "P" && chunk == 8, disks: disks,
				devices: lines(fmt.Sprintf("0 512 snapshot {0} {1} %s %d", kind, chunk)),
			})
		}
	}
	return list
}
