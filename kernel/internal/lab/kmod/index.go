package kmod

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Index finds modules by name and alias. It may be used concurrently.
type Index struct {
	modules map[string]Module
	builtin map[string]bool
	exact   map[string][]string // alias without wildcards → names
	globs   []glob
}

type glob struct{ pattern, name string }

// NewIndex indexes modules beside what is built into the kernel.
func NewIndex(modules []Module, builtin []string) *Index {
	x := &Index{modules: map[string]Module{}, builtin: map[string]bool{}, exact: map[string][]string{}}
	for _, name := range builtin {
		x.builtin[normal(name)] = true
	}
	for _, m := range modules {
		x.modules[m.Name] = m
	}
	for _, m := range x.Modules() {
		for _, alias := range m.Aliases {
			if alias = normal(alias); strings.ContainsAny(alias, `*?[\`) {
				x.globs = append(x.globs, glob{alias, m.Name})
			} else {
				x.exact[alias] = append(x.exact[alias], m.Name)
			}
		}
	}
	return x
}

// Modules returns all modules, sorted by name.
func (x *Index) Modules() []Module {
	modules := make([]Module, 0, len(x.modules))
	for _, name := range slices.Sorted(maps.Keys(x.modules)) {
		modules = append(modules, x.modules[name])
	}
	return modules
}

// Known reports whether request is the name or an alias of a module, or the name
// of something built in.
func (x *Index) Known(request string) bool {
	return x.builtin[normal(request)] || len(x.named(request)) > 0
}

// Resolve returns the modules that request stands for and those they need, in the
// order to load them. There are none if it is built in or unknown.
func (x *Index) Resolve(request string) []Module {
	var order []Module
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		m, ok := x.modules[name]
		if !ok || seen[name] {
			return // built in, left out of the tree, or a circle of soft dependencies
		}
		seen[name] = true
		for _, before := range m.Before {
			for _, n := range x.named(before) {
				visit(n)
			}
		}
		for _, needed := range m.Depends {
			visit(needed)
		}
		order = append(order, m)
	}
	for _, name := range x.named(request) {
		visit(name)
	}
	return order
}

// Select returns the index of the modules that keep accepts, and of all they need.
func (x *Index) Select(keep func(Module) bool) *Index {
	selected := map[string]Module{}
	for name, m := range x.modules {
		if !keep(m) {
			continue
		}
		for _, needed := range x.Resolve(name) {
			selected[needed.Name] = needed
		}
	}
	return NewIndex(slices.Collect(maps.Values(selected)), slices.Collect(maps.Keys(x.builtin)))
}

// named returns the names of the modules that answer to request: the module itself,
// or else the owners of the alias.
func (x *Index) named(request string) []string {
	request = normal(request)
	if _, ok := x.modules[request]; ok {
		return []string{request}
	}
	names := slices.Clone(x.exact[request])
	for _, g := range x.globs {
		if match(g.pattern, request) && !slices.Contains(names, g.name) {
			names = append(names, g.name)
		}
	}
	return names
}

// The lines of an encoded index: a letter and fields parted by spaces. A line of a
// module comes before those that add to it.
const (
	lineModule  = "m" // name file
	lineDepends = "d" // name…
	lineBefore  = "s" // name…
	lineAlias   = "a" // alias, which may hold spaces
	lineBuiltin = "b" // name
)

// WriteTo writes the text that [ReadIndex] reads.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	line := func(kind string, fields ...string) {
		b.WriteString(kind + " " + strings.Join(fields, " ") + "\n")
	}
	for _, m := range x.Modules() {
		line(lineModule, m.Name, m.File)
		if len(m.Depends) > 0 {
			line(lineDepends, m.Depends...)
		}
		if len(m.Before) > 0 {
			line(lineBefore, m.Before...)
		}
		for _, alias := range m.Aliases {
			line(lineAlias, alias)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.builtin)) {
		line(lineBuiltin, name)
	}
	n, err := io.WriteString(w, b.String())
	return int64(n), err
}

// ReadIndex reads what [Index.WriteTo] wrote.
func ReadIndex(r io.Reader) (*Index, error) {
	var modules []Module
	var builtin []string
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		kind, rest, _ := strings.Cut(scanner.Text(), " ")
		fields := strings.Fields(rest)
		switch {
		case kind == lineModule && len(fields) == 2:
			modules = append(modules, Module{Name: fields[0], File: fields[1]})
		case kind == lineBuiltin && len(fields) == 1:
			builtin = append(builtin, fields[0])
		case len(fields) == 0 || len(modules) == 0:
			return nil, fmt.Errorf("kmod: reading index: line %d: %q is not a line of an index", n, scanner.Text())
		case kind == lineDepends:
			modules[len(modules)-1].Depends = fields
		case kind == lineBefore:
			modules[len(modules)-1].Before = fields
		case kind == lineAlias:
			m := &modules[len(modules)-1]
			m.Aliases = append(m.Aliases, rest)
		default:
			return nil, fmt.Errorf("kmod: reading index: line %d: %q is not a line of an index", n, scanner.Text())
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("kmod: reading index: %w", err)
	}
	return NewIndex(modules, builtin), nil
}
