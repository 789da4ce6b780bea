package difftest

// multipathRows are multipath and switch.
func multipathRows() []row {
	two, three := noise(128*kib, 128*kib), noise(128*kib, 128*kib, 128*kib)
	return []row{
		{
			name: "multipath/round-robin", short: true, disks: noise(128 * kib),
			devices: lines("0 256 multipath 0 0 1 1 round-robin 0 1 1 {0} 1"),
		},
		{
			name: "multipath/queue-length bio", disks: noise(128 * kib), devices: []device{{
				lines:   []string{"0 256 multipath 2 queue_mode bio 0 1 1 queue-length 0 1 1 {0} 1"},
				printed: []string{"0 256 multipath 3 retain_attached_hw_handler queue_mode bio 0 1 1 queue-length 0 1 1 {0} 1"},
			}},
		},
		{
			name: "multipath/two groups bio", disks: two, noWrite: "the two disks are not one",
			devices: []device{{
				lines:   []string{"0 256 multipath 3 queue_if_no_path queue_mode bio 0 2 1 queue-length 0 1 1 {0} 1 service-time 0 1 2 {1} 1 1"},
				printed: []string{"0 256 multipath 4 queue_if_no_path retain_attached_hw_handler queue_mode bio 0 2 1 queue-length 0 1 1 {0} 1 service-time 0 1 2 {1} 1 1"},
			}},
		},
		{
			name: "multipath/historical-service-time", extra: true, disks: noise(128 * kib),
			devices: []device{{
				lines:   []string{"0 256 multipath 0 0 1 1 historical-service-time 0 1 1 {0} 1"},
				printed: []string{"0 256 multipath 0 0 1 1 historical-service-time 2 972 0 1 1 {0} 0"},
			}},
		},
		{name: "multipath/io-affinity", extra: true, disks: noise(128 * kib), devices: lines("0 256 multipath 0 0 1 1 io-affinity 0 1 1 {0} 1")},
		{name: "switch/two paths", disks: two, devices: lines("0 256 switch 2 64 0 {0} 0 {1} 0")},
		{
			name: "switch/region table", short: true, disks: three,
			devices: []device{{lines: []string{"0 256 switch 3 32 0 {0} 0 {1} 0 {2} 0"}, messages: []string{"set_region_mappings 0:1 :2 :0 :2 R1,2"}}},
		},
	}
}

// testTargetRows are the targets that are made for tests: flakey, dust, ebs, log-writes.
func testTargetRows() []row {
	disks := noise(128 * kib)
	return []row{
		{name: "flakey/always up", short: true, disks: disks, devices: []device{{
			lines: []string{"0 256 flakey {0} 0 60 0"}, older: []string{"0 256 flakey {0} 0 60 0 0"},
			printed: []string{"0 256 flakey {0} 0 60 0 2 error_reads error_writes"},
		}}},
		{name: "flakey/offset", disks: disks, devices: []device{{
			lines: []string{"0 200 flakey {0} 17 60 0"}, older: []string{"0 200 flakey {0} 17 60 0 0"},
			printed: []string{"0 200 flakey {0} 17 60 0 2 error_reads error_writes"},
		}}},
		{name: "flakey/drop_writes", disks: disks, devices: lines("0 256 flakey {0} 0 0 60 1 drop_writes")},
		{name: "flakey/error_writes", disks: disks, devices: lines("0 256 flakey {0} 0 0 60 1 error_writes")},
		{name: "flakey/error_reads", newer: true, disks: disks, devices: lines("0 256 flakey {0} 0 0 60 1 error_reads")},
		{name: "flakey/corrupt_bio_byte", disks: disks, devices: lines("0 256 flakey {0} 0 0 60 5 corrupt_bio_byte 32 r 1 0"), noRead: "which byte changes depends on how requests are cut"},
		{name: "dust/no bad blocks", extra: true, disks: disks, devices: lines("0 256 dust {0} 0 512")},
		{
			name: "dust/bad blocks", extra: true, disks: disks,
			devices: []device{{lines: []string{"0 256 dust {0} 0 4096"}, messages: []string{"addbadblock 3", "addbadblock 31", "enable"}}},
		},
		{name: "ebs/blocks of 512 on 4096", extra: true, disks: disks, devices: lines("0 256 ebs {0} 0 1 8")},
		{
			name: "ebs/blocks of 512 on 512", extra: true, disks: disks,
			devices: []device{{lines: []string{"0 256 ebs {0} 0 1"}, printed: []string{"0 256 ebs {0} 0 1"}}},
		},
		{name: "log-writes/new", short: true, disks: append(noise(128*kib), zeroed(1024*kib)...), devices: lines("0 256 log-writes {0} {1}")},
		{
			name: "log-writes/mark", disks: append(noise(128*kib), zeroed(1024*kib)...),
			devices: []device{{lines: []string{"0 256 log-writes {0} {1}"}, messages: []string{"mark here"}}},
		},
	}
}
