package dmsetup

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// treeOptions are the words of -o for ls --tree.
var treeOptions = []string{
	"ascii", "utf", "vt100", "compact", "inverted", "notrunc", "blkdevname", "device", "nodevice", "active", "open", "rw", "uuid",
}

// branches are the pieces that lines of a tree are made of.
type branches struct {
	more, last, through string // in front of a child, of the last child, and past a child
	fork, single        string // of a compact tree: between a device and the first of its children, and an only one
}

var (
	asciiBranches = branches{more: "|-", last: "`-", through: "| ", fork: "-+-", single: "---"}
	utfBranches   = branches{more: "├─", last: "└─", through: "│ ", fork: "─┬─", single: "───"}
	vt100Branches = branches{more: vt100("tq"), last: vt100("mq"), through: vt100("x") + " ", fork: vt100("qwq"), single: vt100("qqq")}
)

// vt100 is text in the terminal's set of line graphics.
func vt100(s string) string { return "\x1b(0\x0f" + s + "\x1b(B" }

// lineWidth is the width of a terminal that does not say its own.
const lineWidth = 80

// treePrinter writes a tree.
type treePrinter struct {
	t        *tool
	options  []string
	branches branches
	width    int // 0: lines are not cut
	children func(*node) []*node
}

// tree prints the devices as a forest of those that others use.
func (t *tool) tree() error {
	g, err := t.graph()
	if err != nil {
		return err
	}
	if len(g.listed) == 0 {
		t.printf("No devices found\n")
		return nil
	}
	t.printTree(g)
	return nil
}

func (t *tool) printTree(g *graph) {
	p := t.treePrinter()
	roots := g.roots()
	if p.has("inverted") {
		roots = g.leaves
	}
	compact := p.has("compact") && !p.hasFacts()
	for _, n := range roots {
		if compact {
			p.compact(n, "", "")
		} else {
			p.print(n, "", "")
		}
	}
}

func (t *tool) treePrinter() *treePrinter {
	p := &treePrinter{t: t, branches: asciiBranches, width: lineWidth, children: func(n *node) []*node { return n.uses }}
	if t.has("options") {
		p.options = strings.Split(t.values["options"], ",")
	}
	switch {
	case p.has("utf"):
		p.branches = utfBranches
	case p.has("vt100"):
		p.branches = vt100Branches
	}
	if f, ok := t.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			p.width = columns
		}
	}
	if p.has("notrunc") {
		p.width = 0
	}
	if p.has("inverted") {
		p.children = func(n *node) []*node { return n.usedBy }
	}
	return p
}

func (p *treePrinter) has(option string) bool { return slices.Contains(p.options, option) }

// print writes a device and what hangs on it: before is in front of its own line, behind
// in front of those of its children.
func (p *treePrinter) print(n *node, before, behind string) {
	if text := p.text(n); text != "" { // with nodevice others than mapped devices have none
		p.line(before + text)
	}
	children := p.children(n)
	for i, child := range children {
		if i == len(children)-1 {
			p.print(child, behind+" "+p.branches.last, behind+"   ")
		} else {
			p.print(child, behind+" "+p.branches.more, behind+" "+p.branches.through)
		}
	}
}

// firstChild is by how much dmsetup moves the lines below the first child of a device, which
// stands on its line, further to the right than they should be.
const firstChild = "   "

// compact writes a device, its first child on the same line. Devices without a text (see
// nodevice) are left out.
func (p *treePrinter) compact(n *node, before, behind string) {
	text := p.text(n)
	children := slices.DeleteFunc(slices.Clone(p.children(n)), func(n *node) bool { return p.text(n) == "" })
	if text == "" {
		for _, child := range children {
			p.compact(child, before, behind)
		}
		return
	}
	line := before + text
	indent := behind + strings.Repeat(" ", utf8.RuneCountInString(text)+1)
	for i, child := range children {
		switch {
		case len(children) == 1:
			p.compact(child, line+p.branches.single, indent+"  "+firstChild)
		case i == 0:
			p.compact(child, line+p.branches.fork, indent+p.branches.through+firstChild)
		case i == len(children)-1:
			p.compact(child, indent+p.branches.last, indent+"  ")
		default:
			p.compact(child, indent+p.branches.more, indent+p.branches.through)
		}
	}
	if len(children) == 0 {
		p.line(line)
	}
}

// text is a device as a tree shows it.
func (p *treePrinter) text(n *node) string {
	text := ""
	if n.mapped {
		text = p.t.show(n.info.Name)
	}
	if name := p.t.blockName(n.devno); p.has("blkdevname") && name != "" {
		text += " <" + name + ">"
	}
	if !p.has("nodevice") {
		text += " (" + numberOfDevice(n.devno) + ")"
	}
	if facts := p.facts(n); n.mapped && len(facts) > 0 {
		text += " [" + strings.Join(facts, ", ") + "]"
	}
	return text
}

// hasFacts reports whether devices are shown with their state.
func (p *treePrinter) hasFacts() bool {
	return p.has("active") || p.has("rw") || p.has("open") || p.has("uuid")
}

func (p *treePrinter) facts(n *node) (facts []string) {
	if p.has("active") {
		facts = append(facts, choose(n.info.Suspended(), "SUSPENDED", "ACTIVE"))
	}
	if p.has("rw") {
		facts = append(facts, choose(n.info.ReadOnly(), "RO", "RW"))
	}
	if p.has("open") {
		facts = append(facts, strconv.Itoa(int(n.info.OpenCount)))
	}
	if p.has("uuid") {
		facts = append(facts, p.t.show(n.info.UUID))
	}
	return facts
}

func choose(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// cut stands at the end of a line that was cut.
const cut = "..."

// line writes a line. One that is longer than the width, in bytes, is cut to a byte less,
// and marked.
func (p *treePrinter) line(text string) {
	if p.width > 0 && len(text) > p.width {
		text = text[:p.width-1] + cut
	}
	p.t.printf("%s\n", text)
}
