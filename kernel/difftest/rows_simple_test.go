package difftest

import (
	"fmt"
	"strings"
)

// simpleRows are the targets that only move requests about.
func simpleRows() []row {
	list := linearRows()
	list = append(list, stripedRows()...)
	list = append(list, unstripedRows()...)
	list = append(list, errorRows()...)
	return append(list, delayRows()...)
}

func linearRows() []row {
	return []row{
		{name: "linear/whole", short: true, disks: noise(64 * kib), devices: lines("0 128 linear {0} 0")},
		{name: "linear/offset", disks: noise(64 * kib), devices: lines("0 100 linear {0} 28")},
		{name: "linear/one sector", disks: noise(4 * kib), devices: lines("0 1 linear {0} 7")},
		{name: "linear/odd length", disks: noise(64 * kib), devices: lines("0 127 linear {0} 1")},
		{
			name: "linear/two disks", short: true, disks: noise(64*kib, 96*kib),
			devices: lines("0 100 linear {0} 16", "100 156 linear {1} 3"),
		},
		{
			name: "linear/same disk turned round", disks: noise(128 * kib),
			devices: lines("0 128 linear {0} 128", "128 128 linear {0} 0"),
		},
		{
			name: "linear/many pieces", disks: noise(64*kib, 64*kib), devices: lines("0 1 linear {0} 5", "1 7 linear {1} 0",
				"8 3 linear {0} 77", "11 53 linear {1} 20", "64 64 linear {0} 10"),
		},
		{
			name: "linear/overlapping on the disk", disks: noise(64 * kib), noWrite: "one sector has two places: the order of writes decides",
			devices: lines("0 64 linear {0} 0", "64 64 linear {0} 32"),
		},
		{
			name: "linear/blocks of 4096", disks: []disk{{size: 128 * kib, block: 4096}},
			devices: lines("0 128 linear {0} 64"),
		},
		{
			name: "linear/on linear", disks: noise(128 * kib),
			devices: []device{{name: "below", lines: []string{"0 200 linear {0} 20"}}, {lines: []string{"0 100 linear {below} 50"}}},
		},
		{
			name: "linear/read-only", disks: noise(64 * kib), readOnly: true, devices: lines("0 128 linear {0} 0"),
		},
	}
}

func stripedRows() []row {
	var list []row
	for n := 1; n <= 5; n++ {
		for _, chunk := range []int{1, 8, 24, 64, 128} {
			size := 2 * chunk * n // sectors
			if chunk == 1 {
				size = 61 * n
			}
			r := row{
				name: fmt.Sprintf("striped/%d of %d", n, chunk), short: n == 3 && chunk == 8 || n == 5 && chunk == 1,
				devices: lines(fmt.Sprintf("0 %d striped %d %d", size, n, chunk)),
			}
			for i := range n {
				r.disks = append(r.disks, disk{size: 128 * kib})
				r.devices[0].lines[0] += fmt.Sprintf(" {%d} 0", i)
			}
			list = append(list, r)
		}
	}
	return append(
		list,
		row{name: "striped/offsets", disks: noise(64*kib, 64*kib), devices: lines("0 128 striped 2 16 {0} 8 {1} 24")},
		row{name: "striped/one disk twice", disks: noise(128 * kib), devices: lines("0 256 striped 2 8 {0} 0 {0} 128")},
		row{
			name: "striped/two targets", disks: noise(64*kib, 64*kib),
			devices: lines("0 96 striped 2 8 {0} 0 {1} 0", "96 96 striped 2 16 {1} 64 {0} 64"),
		},
		row{
			name: "striped/on linear", disks: noise(128*kib, 128*kib), devices: []device{
				{name: "a", lines: []string{"0 200 linear {0} 8"}},
				{name: "b", lines: []string{"0 100 linear {1} 0", "100 100 linear {1} 120"}},
				{lines: []string{"0 384 striped 2 64 {a} 0 {b} 8"}},
			},
		},
		row{
			name: "striped/blocks of 4096", disks: []disk{{size: 64 * kib, block: 4096}, {size: 64 * kib}},
			devices: lines("0 128 striped 2 8 {0} 0 {1} 0"),
		},
	)
}

func unstripedRows() []row {
	var list []row
	for _, c := range []struct{ n, chunk, stripe, offset int }{
		{1, 8, 0, 0},
		{2, 32, 0, 0},
		{2, 32, 1, 0},
		{3, 8, 1, 0},
		{3, 1, 2, 0},
		{5, 16, 4, 0},
		{2, 32, 1, 64},
	} {
		list = append(list, row{
			name:    strings.TrimSuffix(fmt.Sprintf("unstriped/%d of %d stripe %d at %d", c.n, c.chunk, c.stripe, c.offset), " at 0"),
			short:   c.n == 3 && c.chunk == 8,
			disks:   noise(256 * kib),
			devices: lines(fmt.Sprintf("0 64 unstriped %d %d %d {0} %d", c.n, c.chunk, c.stripe, c.offset)),
		})
	}
	return append(list, row{
		name: "unstriped/on striped", disks: noise(64*kib, 64*kib), devices: []device{
			{name: "s", lines: []string{"0 256 striped 2 32 {0} 0 {1} 0"}}, {lines: []string{"0 128 unstriped 2 32 1 {s} 0"}},
		},
	})
}

// errorRows are zero and error, alone and between others.
func errorRows() []row {
	return []row{
		{name: "zero/whole", short: true, devices: lines("0 128 zero")},
		{name: "zero/one sector", devices: lines("0 1 zero")},
		{name: "zero/between", short: true, disks: noise(64 * kib), devices: lines("0 40 zero", "40 30 linear {0} 10", "70 58 zero")},
		{name: "error/whole", short: true, devices: lines("0 64 error")},
		{
			name: "error/between", short: true, disks: noise(64 * kib),
			devices: lines("0 9 error", "9 40 linear {0} 9", "49 1 error", "50 70 linear {0} 50", "120 8 error"),
		},
		{name: "error/beside zero", devices: lines("0 8 error", "8 8 zero", "16 8 error", "24 8 error")},
		{
			name: "error/below linear", disks: noise(64 * kib), devices: []device{
				{name: "e", lines: []string{"0 32 linear {0} 0", "32 8 error", "40 24 linear {0} 40"}},
				{lines: []string{"0 8 error", "8 40 linear {e} 8"}},
			},
		},
	}
}

func delayRows() []row {
	return []row{
		{name: "delay/one device", short: true, disks: noise(64 * kib), devices: lines("0 128 delay {0} 0 2")},
		{name: "delay/none", disks: noise(64 * kib), devices: lines("0 64 delay {0} 8 0")},
		{
			name: "delay/own device for writes", disks: noise(64*kib, 64*kib), elsewhere: true, devices: lines("0 100 delay {0} 0 1 {1} 20 2"),
		},
		{name: "delay/same device for both", disks: noise(64 * kib), devices: lines("0 128 delay {0} 0 1 {0} 0 3")},
		{name: "delay/own device for flushes", disks: noise(64*kib, 64*kib), devices: lines("0 100 delay {0} 4 1 {0} 4 2 {1} 0 1")},
		{name: "delay/and linear", disks: noise(128 * kib), devices: lines("0 128 delay {0} 128 1", "128 128 linear {0} 0")},
	}
}
