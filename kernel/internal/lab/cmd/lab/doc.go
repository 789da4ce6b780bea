// Command lab runs programs and tests under kernels of package lab:
//
//	go run ./kernel/internal/lab/cmd/lab smoke
//	go run ./kernel/internal/lab/cmd/lab full
//	go run ./kernel/internal/lab/cmd/lab test -kernel 6.1 -udev ./kernel -test.run=Live
//	go run ./kernel/internal/lab/cmd/lab run -tools dmsetup,cryptsetup -- dmsetup targets
//	go run ./kernel/internal/lab/cmd/lab fetch -update
//
// "make lab" and "make lab-full" are the first two. What the second one runs is the
// table in matrix.go. A machine that lacks something is told what; the exit status
// is 0 then, and the run counts as skipped, but 1 with DMIMG_TEST_REQUIRE=all.
package main
