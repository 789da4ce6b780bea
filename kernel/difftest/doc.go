// Package difftest holds the differential suite: what package kernel activates, what
// package tables says of it and what the engines of package volume read and write, all
// compared with a live kernel inside the lab. There is no code to import.
//
// A case is a row of data: backing disks, table lines with {0} for the first of them,
// messages. A new target enters by a row in rows_<target>_test.go. For each row the
// kernel makes the device, its table and status text are taken apart and put together
// again, a pattern is written through it and everything is read; then the engine opens
// the same files with the same table, must read the same and fail in the same ranges,
// and writes a second pattern, which the kernel must read. What the kernel refuses must
// be refused here and the other way round; the exceptions carry their reason.
//
// Rows of targets without an engine do the kernel's part only and are counted. The day
// an engine opens such a row, all of it is compared without a further word.
//
//	go run ./kernel/internal/lab/cmd/lab full -only difftest          # all rows, both kernels
//	DMIMG_DIFFTEST_UPDATE=1 go test ./kernel/difftest -run TestMatrixFile # writes MATRIX.md
package difftest
