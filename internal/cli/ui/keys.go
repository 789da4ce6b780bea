package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// MaxKeyFile is the largest key file in bytes that is read, as in cryptsetup.
const MaxKeyFile = 8 << 20

// KeyFile says which bytes of which file are a key.
type KeyFile struct {
	Path   string // "-" is stdin
	Offset int64  // bytes to skip
	Size   int64  // bytes to read; 0 means to the end, [MaxKeyFile] at most
}

// ReadKeyFile reads a key file whole, newlines and NULs included. The caller wipes
// the result with [Wipe]. Errors never show its bytes.
func ReadKeyFile(ctx context.Context, k KeyFile, stdin io.Reader) ([]byte, error) {
	in, err := OpenInput(ctx, k.Path, stdin)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r, err := in.Reader(k.Offset, -1)
	if err != nil {
		return nil, err
	}
	if k.Size > 0 {
		return readExactly(r, in.Name(), k)
	}
	key := make([]byte, 0, MaxKeyFile+1) // never regrown, so no copies stay behind
	for len(key) <= MaxKeyFile {
		n, err := r.Read(key[len(key):cap(key)])
		key = key[:len(key)+n]
		if errors.Is(err, io.EOF) {
			return key, nil
		}
		if err != nil {
			Wipe(key)
			return nil, Failf("reading key file %s: %w", in.Name(), err)
		}
	}
	Wipe(key)
	return nil, &Error{
		Code: ExitFailed, Hint: "--keyfile-size reads a part",
		Err: fmt.Errorf("reading key file %s: more than %s", in.Name(), FormatSize(MaxKeyFile)),
	}
}

func readExactly(r io.Reader, name string, k KeyFile) ([]byte, error) {
	if k.Size > MaxKeyFile {
		return nil, Usagef("reading key file %s: %s asked for, at most %s", name, FormatSize(k.Size), FormatSize(MaxKeyFile))
	}
	key := make([]byte, k.Size)
	n, err := io.ReadFull(r, key)
	if err != nil {
		Wipe(key)
		return nil, Failf("reading key file %s: %d of %d bytes at offset %d: %w", name, n, k.Size, k.Offset, err)
	}
	return key, nil
}

// ReadPassphraseFile reads a passphrase and drops one final newline. The caller
// wipes the result.
func ReadPassphraseFile(ctx context.Context, path string, stdin io.Reader) ([]byte, error) {
	pass, err := ReadKeyFile(ctx, KeyFile{Path: path}, stdin)
	if err != nil {
		return nil, err
	}
	if n := len(pass); n > 0 && pass[n-1] == '\n' {
		pass = pass[:n-1]
	}
	return pass, nil
}

// Wipe zeroes key material.
func Wipe(key []byte) { clear(key[:cap(key)]) }
