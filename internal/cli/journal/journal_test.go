package journal

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

var errKilled = errors.New("killed")

// memory is a file that lets only so many more bytes be written.
type memory struct {
	content []byte
	room    *int // nil: no limit
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.content).ReadAt(p, off)
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	n := len(p)
	if m.room != nil {
		n = min(n, *m.room)
		*m.room -= n
	}
	copy(m.content[off:], p[:n])
	if n < len(p) {
		return n, errKilled
	}
	return n, nil
}

func (m *memory) Sync() error { return nil }

func noise(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// sample is two files, what they become, and the journal of the changes.
func sample(t testing.TB, seed uint64) (old, fixed [2][]byte, image []byte) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 7))
	var b bytes.Buffer
	for i := range old {
		old[i] = noise(rnd, 3000)
		fixed[i] = bytes.Clone(old[i])
	}
	w, err := NewWriter(&b, []byte("root"), []int64{3000, 3000})
	if err != nil {
		t.Fatal(err)
	}
	for i := range old {
		for at := rnd.IntN(200); at < 2700; at += 300 + rnd.IntN(300) {
			n := 1 + rnd.IntN(300)
			copy(fixed[i][at:at+n], noise(rnd, n))
			if err := w.Add(Record{i, int64(at), old[i][at : at+n], fixed[i][at : at+n]}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return old, fixed, b.Bytes()
}

func read(t testing.TB, image []byte) *Journal {
	t.Helper()
	j, err := Read(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestKilledAnywhere breaks a Redo off after every number of bytes, and then redoes or
// undoes it, broken off once more on the way.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	old, fixed, image := sample(t, 1)
	j := read(t, image)
	if string(j.Binding) != "root" || len(j.Sizes) != 2 || j.Records < 6 {
		t.Fatalf("got binding %q, sizes %v, %d records", j.Binding, j.Sizes, j.Records)
	}
	for room := 0; ; room++ {
		state := [2][]byte{bytes.Clone(old[0]), bytes.Clone(old[1])}
		open := func(room *int) []File { return []File{&memory{state[0], room}, &memory{state[1], room}} }
		left := room
		err := j.Redo(open(&left))
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
		half := room / 2
		if err := again(open(&half)); err != nil && !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
		if err := again(open(nil)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(state[0], want[0]) || !bytes.Equal(state[1], want[1]) {
			t.Fatalf("killed after %d bytes: other bytes than wanted", room)
		}
		if err == nil {
			return
		}
	}
}

// TestForeignBytesStay checks that a file that someone else wrote to is not touched.
func TestForeignBytesStay(t *testing.T) {
	t.Parallel()
	old, _, image := sample(t, 2)
	j := read(t, image)
	var last Record
	if err := j.Each(func(r Record) error {
		last = r
		last.Old = bytes.Clone(r.Old)
		last.New = bytes.Clone(r.New)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for v := range 256 {
		if byte(v) != last.Old[0] && byte(v) != last.New[0] {
			old[last.File][last.Offset] = byte(v)
			break
		}
	}
	before := bytes.Clone(old[0])
	files := []File{&memory{content: old[0]}, &memory{content: old[1]}}
	for _, f := range []func([]File) error{j.Redo, j.Undo, j.Check} {
		if err := f(files); !errors.Is(err, ErrForeign) || !bytes.Equal(before, old[0]) {
			t.Errorf("got %v, want ErrForeign and no change", err)
		}
	}
}

// TestEveryDamageIsSeen flips each byte of a journal and cuts it everywhere.
func TestEveryDamageIsSeen(t *testing.T) {
	t.Parallel()
	_, _, image := sample(t, 3)
	for i := range image {
		bad := bytes.Clone(image)
		bad[i] ^= 0x40
		if _, err := Read(bytes.NewReader(bad), int64(len(bad))); !errors.Is(err, ErrFormat) {
			t.Fatalf("byte %d flipped: got %v, want ErrFormat", i, err)
		}
		if _, err := Read(bytes.NewReader(image[:i]), int64(i)); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut to %d bytes: got %v, want ErrFormat", i, err)
		}
	}
	if _, err := Read(bytes.NewReader(append(image, 0)), int64(len(image)+1)); !errors.Is(err, ErrFormat) {
		t.Fatalf("a byte more: got %v, want ErrFormat", err)
	}
}

// TestWriterRefuses checks what no journal can hold.
func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	if _, err := NewWriter(io.Discard, make([]byte, MaxBinding+1), []int64{1}); err == nil {
		t.Error("long binding accepted")
	}
	if _, err := NewWriter(io.Discard, nil, nil); err == nil {
		t.Error("no files accepted")
	}
	for name, r := range map[string]Record{
		"lengths differ": {0, 0, make([]byte, 2), make([]byte, 1)},
		"no bytes":       {0, 0, nil, nil},
		"too many":       {0, 0, make([]byte, MaxRecord+1), make([]byte, MaxRecord+1)},
		"past the end":   {0, 9 << 20, []byte{1}, []byte{2}},
		"no such file":   {1, 0, []byte{1}, []byte{2}},
		"overlap":        {0, 99, []byte{1}, []byte{2}},
	} {
		w, err := NewWriter(io.Discard, nil, []int64{9 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(Record{0, 0, make([]byte, 100), make([]byte, 100)}); err != nil {
			t.Fatal(err)
		}
		if err := w.Add(r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// FuzzRead feeds damaged journals; whatever is sound is written again byte for byte.
func FuzzRead(f *testing.F) {
	for seed := range uint64(3) {
		_, _, image := sample(f, seed)
		f.Add(image)
	}
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, image []byte) {
		j, err := Read(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("got %v, want ErrFormat", err)
			}
			return
		}
		var again bytes.Buffer
		w, err := NewWriter(&again, j.Binding, j.Sizes)
		if err == nil {
			err = j.Each(w.Add)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil || !bytes.Equal(again.Bytes(), image) {
			t.Fatalf("written again it has other bytes (%v)", err)
		}
	})
}
