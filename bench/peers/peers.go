// Package peers holds programs that do the same work as dmimg and are written in
// Go, so that "make bench" can build and measure them. It is a module of its own:
// what it needs stays out of the module graph of dmimg's users. A peer that has a
// program is a tool of its go.mod; one that is a library only, or no library at
// all, has a small program in a folder here.
//
//	go build -C bench/peers -o ../../bin/peers/ tool ./...
package peers
