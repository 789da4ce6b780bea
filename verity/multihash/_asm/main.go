//go:generate go run .

// Command _asm writes the assembly of package multihash for amd64.
package main

import (
	"log"
	"os"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	log.SetFlags(0)
	layout, err := readLayout("../job.go")
	if err != nil {
		log.Fatal(err)
	}
	for name, write := range map[string]func(*file){
		"../sha256ni_amd64.s":  sha256ni,
		"../sha256x16_amd64.s": sha256x16,
		"../sha256x8_amd64.s":  sha256x8,
		"../sha512x8_amd64.s":  sha512x8,
	} {
		f := &file{build.NewContext(), layout}
		f.ConstraintExpr("!purego")
		write(f)
		if err := f.save(name); err != nil {
			log.Fatalf("%s: %v", name, err)
		}
	}
}

// file is an assembly file being written.
type file struct {
	*build.Context
	*layout
}

func (f *file) save(name string) error {
	result, err := f.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(result); err != nil {
		return err
	}
	text, err := printer.NewGoAsm(printer.Config{Name: "verity/multihash/_asm", Pkg: "multihash"}).Print(result)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o666)
}
