package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/gotypes"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// layout knows where the fields of the structs are that assembly and Go share.
type layout struct {
	pkg    *types.Package
	offset map[string]int // "job.flags" → bytes
	size   map[string]int // "job" → bytes
}

// readLayout reads the structs of a Go file that needs no other.
func readLayout(name string) (*layout, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, name, nil, 0)
	if err != nil {
		return nil, err
	}
	sizes := types.SizesFor("gc", "amd64")
	conf := types.Config{Sizes: sizes}
	pkg, err := conf.Check("multihash", files, []*ast.File{parsed}, nil)
	if err != nil {
		return nil, err
	}
	l := &layout{pkg, make(map[string]int), make(map[string]int)}
	for _, name := range pkg.Scope().Names() {
		object, ok := pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		l.size[name] = int(sizes.Sizeof(object.Type()))
		structure, ok := object.Type().Underlying().(*types.Struct)
		if !ok {
			continue
		}
		var fields []*types.Var
		for i := range structure.NumFields() {
			fields = append(fields, structure.Field(i))
		}
		for i, offset := range sizes.Offsetsof(fields) {
			l.offset[name+"."+fields[i].Name()] = int(offset)
		}
	}
	return l, nil
}

// field returns the named field ("job.flags") of the struct that base points to.
func (l *layout) field(base reg.Register, name string) Mem {
	offset, ok := l.offset[name]
	if !ok {
		panic(fmt.Sprintf("no field %s", name))
	}
	return Mem{Base: base, Disp: offset}
}

// kernel is a function being written.
type kernel struct {
	*file
	lanes            int
	job              reg.Register
	dst, src, groups reg.Register // advance from group to group
}

// kernel begins the function name, which like all of them does groups of blocks,
// the first of which is at src, and writes their digests to dst.
func (f *file) kernel(name, doc string, lanes int) *kernel {
	signature, err := gotypes.ParseSignatureInPackage(f.pkg, "func(j *job, dst, src *byte, groups int)")
	if err != nil {
		panic(err)
	}
	f.Function(name)
	f.Attributes(attr.NOSPLIT)
	f.Signature(signature)
	f.Doc(name + " " + doc)
	return &kernel{
		file: f, lanes: lanes,
		job:    f.Load(f.Param("j"), f.GP64()),
		dst:    f.Load(f.Param("dst"), f.GP64()),
		src:    f.Load(f.Param("src"), f.GP64()),
		groups: f.Load(f.Param("groups"), f.GP64()),
	}
}
