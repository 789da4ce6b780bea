package cryptsetup

import (
	"errors"
	"io"
	"os"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/exit"
)

// keyFile says where a passphrase is.
type keyFile struct {
	path   string // "": stdin up to a newline, or a terminal; "-": all of stdin
	offset uint64 // bytes to skip
	size   uint64 // bytes to read; 0: all
}

// given reports whether a file was named.
func (k keyFile) given() bool { return k.path != "" && k.path != "-" }

// oldKey is where the passphrase of a key slot is that exists.
func (r *run) oldKey() keyFile {
	k := keyFile{r.Values["key-file"], r.Number("keyfile-offset", 0), r.Number("keyfile-size", 0)}
	if r.Has("key-file") && k.path == "" {
		k.path = "./" // which cannot be opened
	}
	return k
}

// newKey is where the passphrase of a new key slot is: in the file that an argument names,
// or --new-keyfile does.
func (r *run) newKey(word string) keyFile {
	k := keyFile{word, r.Number("new-keyfile-offset", 0), r.Number("new-keyfile-size", 0)}
	if word == "" {
		k.path = r.Values["new-keyfile"]
	}
	return k
}

// Complaints about key files.
var (
	errNoKeyFile  = exit.Failf("Failed to open key file.")
	errReadKey    = exit.Failf("Error reading passphrase.")
	errKeySeek    = exit.Failf("Cannot seek to requested keyfile offset.")
	errKeyShort   = exit.Failf("Cannot read requested amount of data.")
	errKeyTooBig  = exit.Failf("Maximum keyfile size exceeded.")
	errKeyNothing = exit.Failf("Nothing to read on input.")
)

// read reads the file. The caller wipes the key.
func (k keyFile) read() ([]byte, error) {
	f, err := os.Open(k.path)
	if err != nil {
		return nil, errNoKeyFile
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errReadKey
	}
	if info.Mode().IsRegular() && k.offset > uint64(info.Size()) {
		return nil, errKeySeek
	}
	return k.readFrom(f)
}

// farthest is how many bytes of a stream are skipped at most.
const farthest = 1 << 40

// readFrom reads the key from a stream.
func (k keyFile) readFrom(in io.Reader) ([]byte, error) {
	if k.offset > farthest {
		return nil, errKeySeek
	}
	if n, err := io.CopyN(io.Discard, in, int64(k.offset)); n < int64(k.offset) {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, errReadKey
		}
		return nil, errKeySeek
	}
	limit := uint64(ui.MaxKeyFile)
	if k.size > 0 {
		limit = min(k.size, 64<<20) // of which there must be as many
	}
	key, err := readSecret(in, int(limit)+1, k.size > 0)
	switch {
	case err != nil:
		return nil, errReadKey
	case k.size > 0 && uint64(len(key)) < k.size:
		ui.Wipe(key)
		return nil, errKeyShort
	case len(key) > int(limit):
		ui.Wipe(key)
		return nil, errKeyTooBig
	}
	return key, nil
}

// readSecret reads at most n bytes, of which the last is only a sign that there are more;
// exact leaves it in the stream. Memory grows with what is there, and copies are wiped.
func readSecret(in io.Reader, n int, exact bool) ([]byte, error) {
	if exact {
		n--
	}
	key := make([]byte, 0, min(n, 4096))
	for len(key) < n {
		if len(key) == cap(key) {
			grown := append(make([]byte, 0, min(n, 4*cap(key))), key...)
			ui.Wipe(key)
			key = grown
		}
		got, err := in.Read(key[len(key):cap(key)])
		key = key[:len(key)+got]
		switch {
		case errors.Is(err, io.EOF):
			return key, nil
		case err != nil:
			ui.Wipe(key)
			return nil, err
		}
	}
	return key, nil
}

// line reads a passphrase up to a newline, which is not part of it, or the end; nothing
// behind it is read, since another passphrase may follow.
func (k keyFile) line(in io.Reader) ([]byte, error) {
	if n, err := io.CopyN(io.Discard, in, int64(min(k.offset, ui.MaxKeyFile))); err != nil || n < int64(k.offset) {
		return nil, errKeyNothing
	}
	limit := ui.MaxKeyFile
	if k.size > 0 {
		limit = int(min(k.size, ui.MaxKeyFile))
	}
	line := &secretLine{}
	one := make([]byte, 1)
	defer clear(one)
	for ended := false; len(line.b) < limit; {
		n, err := io.ReadFull(in, one)
		if n == 0 && !errors.Is(err, io.EOF) {
			ui.Wipe(line.b)
			return nil, errReadKey
		}
		if ended = n == 0; ended || one[0] == '\n' {
			return line.end(k, ended)
		}
		line.add(one[0])
	}
	return line.b, nil
}

// secretLine is bytes that are wiped when they move.
type secretLine struct{ b []byte }

func (l *secretLine) add(c byte) {
	if len(l.b) == cap(l.b) {
		grown := append(make([]byte, 0, max(512, 2*cap(l.b))), l.b...)
		ui.Wipe(l.b)
		l.b = grown
	}
	l.b = append(l.b, c)
}

// end judges what came before a newline or the end.
func (l *secretLine) end(k keyFile, ended bool) ([]byte, error) {
	switch {
	case ended && len(l.b) == 0:
		return nil, errKeyNothing
	case k.size > 0:
		ui.Wipe(l.b)
		return nil, errKeyShort
	}
	return l.b, nil
}
