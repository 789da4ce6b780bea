//go:generate go run .

// Command _asm writes the assembly of package xts for amd64.
package main

import (
	"log"
	"os"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

func main() {
	log.SetFlags(0)
	for name, write := range map[string]func(*file){
		"../keys_amd64.s":    keyKernels,
		"../aesni_amd64.s":   aesniKernels,
		"../vaes256_amd64.s": vaes256Kernels,
		"../vaes512_amd64.s": vaes512Kernels,
	} {
		f := &file{Context: build.NewContext()}
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
	labels    int      // made so far
	constants []string // written so far
}

// function begins a function.
func (f *file) function(name, signature, doc string) {
	f.Function(name)
	f.Attributes(attr.NOSPLIT)
	f.SignatureExpr(signature)
	f.Doc(name + " " + doc)
}

func (f *file) save(name string) error {
	result, err := f.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(result); err != nil {
		return err
	}
	text, err := printer.NewGoAsm(printer.Config{Name: "crypt/xts/_asm", Pkg: "xts"}).Print(result)
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o666)
}
