package cli_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestVerityUpdateKilledTrials leaves files and journal as a run leaves them that is killed at
// every write: updating again finishes it, --undo takes it back, and repair does the one
// with the new root hash and the other with the old one.
func TestVerityUpdateKilledTrials(t *testing.T) {
	t.Parallel()
	for _, layout := range updateLayouts {
		t.Run(layout.name, func(t *testing.T) {
			t.Parallel()
			k := newKilledUpdate(t, layout)
			kills := 12
			if testing.Short() {
				kills = 4
			}
			step := k.changed()/kills + 1
			for room := 0; ; room += step {
				left := 0
				for _, recovery := range k.recoveries() {
					left = k.leave(t, room)
					k.recover(t, room, recovery)
				}
				if left > 0 {
					break
				}
			}
			k.leave(t, k.changed()) // killed when only the journal was left to remove
			writeFile(t, k.rootFile, []byte(k.newRoot))
			k.recover(t, k.changed(), k.recoveries()[0])
		})
	}
}

// killedUpdate is an update whose journal was kept, and what the files held before and
// after it. In both, DATA has the changes.
type killedUpdate struct {
	*updateImage

	files            map[string]string // by role
	before, after    map[string][]byte // by path
	log              []byte
	oldRoot, newRoot string
	rootFile         string
	way              []string
}

func newKilledUpdate(t *testing.T, layout updateLayout) *killedUpdate {
	t.Helper()
	rnd := rand.New(rand.NewPCG(77, uint64(len(layout.name))))
	i := newUpdateImage(t, rnd, layout)
	for i.size < 40<<10 || i.size > 200<<10 || len(i.changes) < 5 { // not the ones that are over at once
		i = newUpdateImage(t, rnd, layout)
	}
	k := &killedUpdate{updateImage: i, files: i.make(t, "image", i.old), before: map[string][]byte{}, after: map[string][]byte{}}
	k.rootFile = filepath.Join(i.dir, "root")
	kept := filepath.Join(i.dir, "kept")
	k.way = []string{"--changed-from=" + writeFile(t, filepath.Join(i.dir, "before"), i.old)}
	i.put(t, k.files)
	for _, path := range k.files {
		if b, err := os.ReadFile(path); err == nil {
			k.before[path] = b
		}
	}
	words := slices.Concat([]string{"verity", "update"}, i.words(k.files), k.way)
	k.newRoot = strings.TrimSpace(mustRun(t, append(words, "--journal="+kept)...))
	for path := range k.before {
		k.after[path] = readFile(t, path)
	}
	k.log = readFile(t, kept)
	k.oldRoot = strings.TrimSpace(mustRun(t, slices.Concat([]string{"verity", "update", "--undo", "--journal=" + kept}, i.words(k.files))...))
	for path, b := range k.before {
		if !bytes.Equal(readFile(t, path), b) {
			t.Fatalf("%s: --undo did not bring the old bytes back", path)
		}
	}
	return k
}

// leave puts the files into the state after so many changed bytes were written, and
// returns how many more there could have been.
func (k *killedUpdate) leave(t *testing.T, room int) int {
	t.Helper()
	for _, name := range []string{"DATA", "HASH", "FEC"} { // the order of the journal
		path := k.files[name]
		if k.before[path] == nil {
			continue
		}
		mixture := bytes.Clone(k.before[path])
		for at, b := range k.after[path] {
			if mixture[at] != b && room > 0 {
				mixture[at] = b
				room--
			}
		}
		writeFile(t, path, mixture)
	}
	writeFile(t, k.files["DATA"]+".dmimg-journal", k.log)
	writeFile(t, k.rootFile, []byte(k.oldRoot))
	return room
}

// changed is how many bytes the update changes.
func (k *killedUpdate) changed() (n int) {
	for path, after := range k.after {
		for at, b := range k.before[path] {
			if after[at] != b {
				n++
			}
		}
	}
	return n
}

// recovery is one way to go on after a kill.
type recovery struct {
	name  string
	words []string
	want  map[string][]byte
	root  string
	code  int
}

func (k *killedUpdate) recoveries() []recovery {
	words := func(verb string, more ...string) []string {
		return slices.Concat([]string{"verity", verb}, k.words(k.files), more)
	}
	repair := func(root string) []string {
		return slices.Concat([]string{"verity", "repair"}, k.words(k.files)[:2], []string{root}, k.words(k.files)[2:])
	}
	list := []recovery{
		{"update again", append(words("update", "--root-hash-file="+k.rootFile), k.way...), k.after, k.newRoot, 0},
		{"another update", words("update", "--root-hash-file="+k.rootFile, "--changed=0:1"), k.after, k.newRoot, 0},
		{"undo", words("update", "--root-hash-file="+k.rootFile, "--undo"), k.before, k.oldRoot, 0},
		{"repair", repair(k.newRoot), k.after, k.oldRoot, 0},
	}
	if k.layout.fec == "" { // otherwise the old data is repaired too, as the old root hash wants it
		list = append(list, recovery{"repair, old root", repair(k.oldRoot), k.before, k.oldRoot, 3})
	}
	return list
}

func (k *killedUpdate) recover(t *testing.T, room int, r recovery) {
	t.Helper()
	got := dmimg(t, r.words...)
	if got.code != r.code {
		t.Fatalf("killed after %d bytes, then %s: exit status %d, want %d\n%s%s", room, r.name, got.code, r.code, got.stdout, got.stderr)
	}
	for path, b := range r.want {
		if !bytes.Equal(readFile(t, path), b) {
			t.Fatalf("killed after %d bytes, then %s: %s has other bytes than wanted\n%s", room, r.name, path, got.stderr)
		}
	}
	if root := string(readFile(t, k.rootFile)); root != r.root {
		t.Fatalf("killed after %d bytes, then %s: the root hash file has %s, want %s", room, r.name, root, r.root)
	}
	if _, err := os.Stat(k.files["DATA"] + ".dmimg-journal"); err == nil {
		t.Fatalf("killed after %d bytes, then %s: the journal is still there", room, r.name)
	}
	if strings.Contains(r.name, "update") && (!strings.Contains(got.stderr, "an earlier update was killed: finished") || strings.TrimSpace(got.stdout) != k.newRoot) {
		t.Fatalf("killed after %d bytes, then %s: printed %q and %q", room, r.name, got.stdout, got.stderr)
	}
}
