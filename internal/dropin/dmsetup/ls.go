package dmsetup

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// checkFields checks -o where it is not about the fields of a report.
func (t *tool) checkFields(verb string) error {
	if !t.has("options") || verb == "info" || verb == "splitname" || verb == "stats" || verb == "help" {
		return nil
	}
	known, complaint := []string{showNumber, showName, showBlockName}, "Option not recognised: %s."
	if verb == "ls" && t.has("tree") {
		known, complaint = treeOptions, "Tree options not recognised: %s."
	}
	words := strings.Split(t.values["options"], ",")
	if t.values["options"] == "" {
		words = nil
	}
	for i, word := range words {
		if !slices.Contains(known, word) {
			return lineError(complaint, strings.Join(words[i:], ","))
		}
	}
	return nil
}

// numberShown is the last of the words that -o has for ls and deps.
func (t *tool) numberShown() string {
	if !t.has("options") || t.has("tree") {
		return showNumber
	}
	words := strings.Split(t.values["options"], ",")
	return words[len(words)-1]
}

// list prints the devices there are.
func (t *tool) list([]string) error {
	if t.has("tree") {
		return t.tree()
	}
	return t.eachListed((*tool).listOne)
}

func (t *tool) listOne(d device) error {
	info, err := t.stateOf(d)
	if err != nil {
		return err
	}
	if t.has("target") {
		r, err := t.control.Status(d.ref, kernel.StatusOptions{Inactive: t.has("inactive"), NoFlush: t.has("noflush")})
		if err != nil {
			return ioctlError("status", d, err)
		}
		if !t.wanted(r) {
			return nil
		}
	}
	name := t.show(info.Name)
	if t.has("exec") {
		return t.execute(t.nodeDir() + "/" + name)
	}
	number := numberOfDevice(info.DevNo)
	switch {
	case t.has("target"): // which does not look at -o
		number = numberPair(info.DevNo)
	case t.otherName(info.DevNo) != "":
		number = t.otherName(info.DevNo)
	}
	t.printf("%s\t(%s)\n", name, number)
	return nil
}

// execute runs the command that --exec gives with the path of a node behind it. How it
// ends does not matter, as for dmsetup.
func (t *tool) execute(path string) error {
	words := strings.Fields(t.values["exec"])
	if len(words) == 0 {
		return errFailed
	}
	cmd := exec.CommandContext(t.ctx, words[0], append(words[1:], path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.In, t.Out, t.Err
	if err := cmd.Run(); err != nil {
		t.sayf("%s: %v", words[0], err)
	}
	return nil
}
