package volume_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/volumetest"
)

// benchTables are volumes of 32 MiB over memory.
func benchTables(b *testing.B) map[string]*volume.Mapped {
	const sectors = 32 << 20 / sector
	f, verity := verityDisk(b, sectors*sector/4096, 4096)
	f.Devices["a"] = volumetest.NewMemory(make([]byte, sectors*sector))
	f.Devices["b"] = volumetest.NewMemory(make([]byte, sectors*sector))
	list := make(map[string]*volume.Mapped)
	for name, line := range map[string]string{
		"linear":     fmt.Sprintf("0 %d linear a 0", sectors),
		"striped":    fmt.Sprintf("0 %d striped 2 128 a 0 b 0", sectors),
		"crypt":      fmt.Sprintf("0 %d crypt aes-xts-plain64 %s 0 a 0", sectors, key512),
		"crypt-4096": fmt.Sprintf("0 %d crypt aes-xts-plain64 %s 0 a 0 1 sector_size:4096", sectors, key512),
		"verity":     verity,
	} {
		list[name] = mustOpen(b, f, os.O_RDONLY, line)
	}
	return list
}

func BenchmarkReadAt(b *testing.B) {
	for name, m := range benchTables(b) {
		for _, size := range []int{4096, 128 << 10, 4 << 20} {
			b.Run(fmt.Sprintf("target=%s/size=%d", name, size), func(b *testing.B) {
				p := make([]byte, size)
				end, _ := m.Size()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				off := int64(0)
				for b.Loop() {
					if _, err := m.ReadAt(p, off); err != nil {
						b.Fatal(err)
					}
					if off += int64(size); off == end {
						off = 0
					}
				}
			})
		}
	}
}

func BenchmarkReadRange(b *testing.B) {
	for name, m := range benchTables(b) {
		b.Run("target="+name, func(b *testing.B) {
			size, _ := m.Size()
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := volume.ReadRange(background, m, io.Discard, 0, size, volume.ReadOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
