package dmsetup

import (
	"bytes"
	"strings"
	"testing"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
	"github.com/dmimg/dmimg/tables"
)

// someGraph is what eight devices on three disks use, in the order in which a kernel lists
// them.
func someGraph() *graph {
	uses := map[string][]string{
		"aaa": {"7:2", "solo", "top", "top2"}, "ccc": {"7:3", "7:2"}, "lin": {"7:0"}, "solo": nil,
		"top": {"two", "lin"}, "top2": {"two"}, "two": {"7:1"}, "zzz": {"7:2", "top", "aaa"},
	}
	minors := map[string]uint32{"lin": 0, "two": 1, "top": 2, "top2": 3, "solo": 4, "aaa": 5, "zzz": 6, "ccc": 7}
	disks := map[string]uint32{"7:0": 0, "7:1": 1, "7:2": 2, "7:3": 3}
	g := &graph{nodes: make(map[uint64]*node)}
	var meet func(name string) *node
	meet = func(name string) *node {
		devno := kernel.Mkdev(254, minors[name])
		minor, isDisk := disks[name]
		if isDisk {
			devno = kernel.Mkdev(7, minor)
		}
		if n := g.nodes[devno]; n != nil {
			return n
		}
		n := &node{devno: devno, mapped: !isDisk, info: kernel.Info{DeviceInfo: tables.DeviceInfo{Name: name, DevNo: devno}}}
		g.nodes[devno] = n
		for _, used := range uses[name] {
			child := meet(used)
			n.uses = append(n.uses, child)
			child.usedBy = append(child.usedBy, n)
		}
		if len(n.uses) == 0 {
			g.leaves = append(g.leaves, n)
		}
		return n
	}
	for _, name := range []string{"aaa", "ccc", "lin", "solo", "top", "top2", "two", "zzz"} {
		g.listed = append(g.listed, meet(name))
	}
	return g
}

// treeRows are what dmsetup 1.02.185 printed of the devices of someGraph.
var treeRows = map[string]string{
	"ascii": `ccc (254:7)
 |- (7:3)
 ` + "`" + `- (7:2)
zzz (254:6)
 |- (7:2)
 |-top (254:2)
 |  |-two (254:1)
 |  |  ` + "`" + `- (7:1)
 |  ` + "`" + `-lin (254:0)
 |     ` + "`" + `- (7:0)
 ` + "`" + `-aaa (254:5)
    |- (7:2)
    |-solo (254:4)
    |-top (254:2)
    |  |-two (254:1)
    |  |  ` + "`" + `- (7:1)
    |  ` + "`" + `-lin (254:0)
    |     ` + "`" + `- (7:0)
    ` + "`" + `-top2 (254:3)
       ` + "`" + `-two (254:1)
          ` + "`" + `- (7:1)
`,
	"inverted": ` (7:2)
 |-aaa (254:5)
 |  ` + "`" + `-zzz (254:6)
 |-ccc (254:7)
 ` + "`" + `-zzz (254:6)
solo (254:4)
 ` + "`" + `-aaa (254:5)
    ` + "`" + `-zzz (254:6)
 (7:1)
 ` + "`" + `-two (254:1)
    |-top (254:2)
    |  |-aaa (254:5)
    |  |  ` + "`" + `-zzz (254:6)
    |  ` + "`" + `-zzz (254:6)
    ` + "`" + `-top2 (254:3)
       ` + "`" + `-aaa (254:5)
          ` + "`" + `-zzz (254:6)
 (7:0)
 ` + "`" + `-lin (254:0)
    ` + "`" + `-top (254:2)
       |-aaa (254:5)
       |  ` + "`" + `-zzz (254:6)
       ` + "`" + `-zzz (254:6)
 (7:3)
 ` + "`" + `-ccc (254:7)
`,
	"compact": `ccc (254:7)-+- (7:3)
            ` + "`" + `- (7:2)
zzz (254:6)-+- (7:2)
            |-top (254:2)-+-two (254:1)--- (7:1)
            |             ` + "`" + `-lin (254:0)--- (7:0)
            ` + "`" + `-aaa (254:5)-+- (7:2)
                          |-solo (254:4)
                          |-top (254:2)-+-two (254:1)--- (7:1)
                          |             ` + "`" + `-lin (254:0)--- (7:0)
                          ` + "`" + `-top2 (254:3)---two (254:1)--- (7:1)
`,
	"compact,inverted": ` (7:2)-+-aaa (254:5)---zzz (254:6)
       |-ccc (254:7)
       ` + "`" + `-zzz (254:6)
solo (254:4)---aaa (254:5)---zzz (254:6)
 (7:1)---two (254:1)-+-top (254:2)-+-aaa (254:5)---zzz (254:6)
                        |                ` + "`" + `-zzz (254:6)
                        ` + "`" + `-top2 (254:3)---aaa (254:5)---zzz (254:6)
 (7:0)---lin (254:0)---top (254:2)-+-aaa (254:5)---zzz (254:6)
                                         ` + "`" + `-zzz (254:6)
 (7:3)---ccc (254:7)
`,
	"utf,nodevice": `ccc
zzz
 ├─top
 │  ├─two
 │  └─lin
 └─aaa
    ├─solo
    ├─top
    │  ├─two
    │  └─lin
    └─top2
       └─two
`,
	"inverted,nodevice": ` |-aaa
 |  ` + "`" + `-zzz
 |-ccc
 ` + "`" + `-zzz
solo
 ` + "`" + `-aaa
    ` + "`" + `-zzz
 ` + "`" + `-two
    |-top
    |  |-aaa
    |  |  ` + "`" + `-zzz
    |  ` + "`" + `-zzz
    ` + "`" + `-top2
       ` + "`" + `-aaa
          ` + "`" + `-zzz
 ` + "`" + `-lin
    ` + "`" + `-top
       |-aaa
       |  ` + "`" + `-zzz
       ` + "`" + `-zzz
 ` + "`" + `-ccc
`,
}

// newTool is a run that writes to out.
func newTool(t *testing.T, out *bytes.Buffer, args ...string) *tool {
	t.Helper()
	line, err := parse(args)
	if err != nil {
		t.Fatal(err)
	}
	host := Host{SysDir: t.TempDir(), Getenv: func(string) string { return "" }}.filled()
	return &tool{Streams: ui.Streams{In: strings.NewReader(""), Out: out, Err: out}, commandLine: line, ctx: t.Context(), host: host, devDir: "/dev"}
}

func TestTree(t *testing.T) {
	t.Parallel()
	for options, want := range treeRows {
		t.Run(options, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			newTool(t, &out, "-o", options).printTree(someGraph())
			if out.String() != want {
				t.Errorf("got\n%s\nwant\n%s", out.String(), want)
			}
		})
	}
}

// TestTreeCuts holds where dmsetup cuts lines: after 79 bytes, when there are more than 80.
func TestTreeCuts(t *testing.T) {
	t.Parallel()
	for length, want := range map[int]string{
		72: strings.Repeat("x", 72) + " (254:0)\n",
		73: strings.Repeat("x", 73) + " (254:...\n",
		90: strings.Repeat("x", 79) + "...\n",
	} {
		devno := kernel.Mkdev(254, 0)
		n := &node{devno: devno, mapped: true, info: kernel.Info{DeviceInfo: tables.DeviceInfo{Name: strings.Repeat("x", length), DevNo: devno}}}
		var out bytes.Buffer
		newTool(t, &out).printTree(&graph{listed: []*node{n}, leaves: []*node{n}})
		if out.String() != want {
			t.Errorf("a name of %d bytes gives %q, want %q", length, out.String(), want)
		}
		out.Reset()
		newTool(t, &out, "-o", "notrunc").printTree(&graph{listed: []*node{n}})
		if len(out.String()) != length+len(" (254:0)\n") {
			t.Errorf("notrunc cuts %q", out.String())
		}
	}
}
