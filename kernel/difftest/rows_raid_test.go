package difftest

import (
	"fmt"
	"strings"
)

// raidRows are raid and mirror.
func raidRows() []row {
	legs := func(n int, metadata bool) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%d", n)
		for i := range n {
			if metadata {
				fmt.Fprintf(&b, " {%d} {%d}", 2*i, 2*i+1)
			} else {
				fmt.Fprintf(&b, " - {%d}", i)
			}
		}
		return b.String()
	}
	disks := func(n int, metadata bool) []disk {
		var list []disk
		for range n {
			if metadata {
				list = append(list, disk{size: 64 * kib, zeros: true})
			}
			list = append(list, disk{size: 128 * kib})
		}
		return list
	}
	var list []row
	add := func(name string, length, n int, metadata bool, words string) {
		list = append(list, row{
			name: "raid/" + name, short: name == "raid5_ls", disks: disks(n, metadata),
			devices: lines(fmt.Sprintf("0 %d raid %s %s", length, words, legs(n, metadata))),
		})
	}
	add("raid0", 512, 2, true, "raid0 1 32")
	add("raid0 without metadata", 512, 2, false, "raid0 1 32")
	add("raid1", 256, 2, true, "raid1 1 0")
	add("raid1 region_size", 256, 2, true, "raid1 3 0 region_size 32")
	add("raid1 without metadata", 256, 2, false, "raid1 2 0 nosync")
	add("raid4", 512, 3, true, "raid4 1 32")
	for _, layout := range []string{"ls", "la", "rs", "ra", "n"} {
		add("raid5_"+layout, 512, 3, true, "raid5_"+layout+" 1 32")
	}
	for _, layout := range []string{"zr", "nr", "nc", "n_6", "ls_6", "la_6", "rs_6", "ra_6"} {
		add("raid6_"+layout, 768, 5, true, "raid6_"+layout+" 1 32")
	}
	add("raid10", 512, 4, true, "raid10 3 32 raid10_copies 2")
	add("raid10 far", 512, 4, true, "raid10 5 32 raid10_copies 2 raid10_format far")
	add("raid10 offset", 512, 4, true, "raid10 5 32 raid10_copies 2 raid10_format offset")
	add("raid10 of three", 384, 3, true, "raid10 3 32 raid10_copies 2")
	return append(
		list,
		row{name: "mirror/core log", short: true, disks: noise(128*kib, 128*kib), devices: lines("0 256 mirror core 1 32 2 {0} 0 {1} 0 1 handle_errors")},
		row{name: "mirror/nosync", disks: noise(128*kib, 128*kib), devices: lines("0 256 mirror core 2 32 nosync 2 {0} 0 {1} 0")},
		row{
			name: "mirror/disk log", disks: append(zeroed(64*kib), noise(128*kib, 128*kib)...),
			devices: lines("0 256 mirror disk 3 {0} 32 nosync 2 {1} 0 {2} 0 2 handle_errors keep_log"),
		},
		row{name: "mirror/three legs", disks: noise(128*kib, 128*kib, 128*kib), devices: lines("0 200 mirror core 1 8 3 {0} 0 {1} 8 {2} 16 1 handle_errors")},
	)
}
