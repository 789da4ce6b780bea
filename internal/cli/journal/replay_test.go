package journal

import (
	"bytes"
	"errors"
	"testing"
)

// TestReplay makes the changes of a journal without checking it: broken off anywhere,
// it leaves what Redo and Undo can work with, and what cannot be a journal is refused.
func TestReplay(t *testing.T) {
	t.Parallel()
	old, fixed, image := sample(t, 4)
	j := read(t, image)
	for room := 0; ; room += 7 {
		state := [2][]byte{bytes.Clone(old[0]), bytes.Clone(old[1])}
		open := func(room *int) []File { return []File{&memory{state[0], room}, &memory{state[1], room}} }
		left := room
		err := Replay(bytes.NewReader(image), int64(len(image)), open(&left))
		if err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if done, _ := j.IsDone(open(nil)); done != (err == nil) {
			t.Fatalf("room %d: IsDone is %t", room, done)
		}
		again, want := j.Redo, fixed
		if room%2 == 0 {
			again, want = j.Undo, old
		}
		if err := again(open(nil)); err != nil || !bytes.Equal(state[0], want[0]) || !bytes.Equal(state[1], want[1]) {
			t.Fatalf("killed after %d bytes: %v, or other bytes than wanted", room, err)
		}
		if err == nil {
			break
		}
	}
	files := []File{&memory{content: old[0]}, &memory{content: old[1]}}
	for n := range image {
		if err := Replay(bytes.NewReader(image[:n]), int64(n), files); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d bytes: got %v, want ErrFormat", n, err)
		}
	}
}
