package difftest

// cacheRows are the targets with a second place for blocks: cache, writecache, era,
// clone.
func cacheRows() []row {
	disks := []disk{{size: 128 * kib, zeros: true}, {size: 256 * kib}, {size: 512 * kib}} // metadata, fast, slow
	var list []row
	for _, c := range []struct{ name, features string }{
		{"writeback", "1 writeback"},
		{"writethrough", "1 writethrough"},
		{"passthrough", "1 passthrough"},
		{"metadata2", "2 metadata2 writeback"},
		{"no_discard_passdown", "2 writeback no_discard_passdown"},
		{"default", "0"},
	} {
		list = append(list, row{name: "cache/" + c.name, short: c.name == "writeback", disks: disks, devices: lines("0 1024 cache {0} {1} {2} 64 " + c.features + " smq 0")})
	}
	list = append(list, row{
		name: "cache/policy default", disks: disks,
		devices: lines("0 1024 cache {0} {1} {2} 128 1 writeback default 2 migration_threshold 4096"),
	})
	era := []disk{{size: 256 * kib, zeros: true}, {size: 256 * kib}}
	list = append(
		list,
		row{name: "era/blocks of 64", short: true, disks: era, devices: lines("0 512 era {0} {1} 64")},
		row{name: "era/blocks of 8", disks: era, devices: lines("0 500 era {0} {1} 8")},
		row{name: "era/checkpoint", disks: era, devices: []device{{lines: []string{"0 512 era {0} {1} 16"}, messages: []string{"checkpoint"}}}},
		row{name: "era/metadata snapshot", disks: era, devices: []device{{lines: []string{"0 512 era {0} {1} 16"}, messages: []string{"take_metadata_snap"}}}},
		row{
			name: "clone/hydrated on demand", extra: true,
			disks:   []disk{{size: 128 * kib, zeros: true}, {size: 256 * kib}, {size: 256 * kib}},
			devices: lines("0 512 clone {0} {1} {2} 8 1 no_hydration"),
		},
		row{
			name: "clone/hydrated", extra: true, disks: []disk{{size: 128 * kib, zeros: true}, {size: 256 * kib}, {size: 256 * kib}},
			devices: lines("0 512 clone {0} {1} {2} 16"),
		},
		row{
			name: "clone/options", extra: true, disks: []disk{{size: 128 * kib, zeros: true}, {size: 256 * kib}, {size: 256 * kib}},
			devices: lines("0 512 clone {0} {1} {2} 8 2 no_hydration no_discard_passdown 4 hydration_threshold 2 hydration_batch_size 4"),
		},
	)
	return append(list, writecacheRows()...)
}

func writecacheRows() []row {
	disks := []disk{{size: 256 * kib, zeros: true}, {size: 256 * kib}} // cache, origin
	var list []row
	for _, c := range []struct{ name, block, options string }{
		{"blocks of 512", "512", "0"},
		{"blocks of 4096", "4096", "0"},
		{"high watermark", "4096", "2 high_watermark 90"},
		{"all options", "4096", "11 start_sector 8 high_watermark 50 low_watermark 40 writeback_jobs 4 autocommit_blocks 16 cleaner"},
		{"autocommit time", "4096", "2 autocommit_time 500"},
		{"metadata only", "4096", "1 metadata_only"},
		{"pause writeback", "4096", "2 pause_writeback 100"},
	} {
		list = append(list, row{
			name: "writecache/" + c.name, short: c.name == "blocks of 4096", disks: disks,
			devices: lines("0 512 writecache s {1} {0} " + c.block + " " + c.options),
		})
	}
	return list
}
