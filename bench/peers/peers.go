// Package peers pins programs that do the same work as dmimg and are written in
// Go, so that "make bench" can build and measure them. It is a module of its own:
// what it needs stays out of the module graph of dmimg's users. It has no code;
// the programs are the tools of its go.mod.
//
//	go build -C bench/peers -o ../../bin/peers/ tool
package peers
