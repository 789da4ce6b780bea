package activate

import (
	"os"
	"strings"

	"github.com/dmimg/dmimg/kernel"
)

// users says what uses a device: others that lie on it, mounts, swap, processes. What cannot
// be seen is left out.
func (a *Activator) users(ref kernel.Ref) []string {
	info, err := a.control.Info(ref, kernel.InfoOptions{})
	if err != nil {
		return nil
	}
	var users []string
	entries, _ := a.control.List(kernel.ListOptions{})
	for _, e := range entries {
		deps, _ := a.control.Deps(kernel.ByDevno(e.DevNo), kernel.DepsOptions{})
		for _, d := range deps {
			if d == info.DevNo {
				users = append(users, "device "+e.Name)
			}
		}
	}
	mounts, _ := os.ReadFile(a.options.ProcDir + "/self/mountinfo")
	for _, dir := range mountsOf(string(mounts), kernel.ByDevno(info.DevNo).String()) {
		users = append(users, "mounted on "+dir)
	}
	swaps, _ := os.ReadFile(a.options.ProcDir + "/swaps")
	node, err := a.node(info.Name)
	for _, line := range strings.Split(string(swaps), "\n") {
		if path, _, _ := strings.Cut(line, " "); err == nil && path == node {
			users = append(users, "used for swapping")
		}
	}
	return append(users, processesWith(a.options.ProcDir, info.DevNo)...)
}

// mountsOf finds where a device is mounted in the text of /proc/self/mountinfo (proc(5)):
// words 3 and 5 of a line are major:minor and the folder, in which blanks are \040.
func mountsOf(mountinfo, devno string) []string {
	var dirs []string
	for _, line := range strings.Split(mountinfo, "\n") {
		if words := strings.Fields(line); len(words) > 4 && words[2] == devno {
			dirs = append(dirs, words[4])
		}
	}
	return dirs
}
