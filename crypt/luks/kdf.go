package luks

import (
	"context"
	"crypto/hmac"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/crypto/argon2"

	"github.com/dmimg/dmimg/internal/hashes"
)

// cancelEvery is how many iterations of PBKDF2 pass between looks at the context.
const cancelEvery = 4096

// derive fills key with what k makes from a passphrase. PBKDF2 ends soon after ctx does.
// Argon2 cannot be interrupted: derive returns, and the computation goes on in the
// background to its end, which the limits on costs keep near.
func (k *KDF) derive(ctx context.Context, pass, key []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	switch k.Type {
	case kdfPBKDF2:
		a, err := lookupHash(k.Hash)
		if err != nil {
			return err
		}
		return pbkdf2(ctx, a, pass, k.Salt, uint32(k.Iterations), key)
	case kdfArgon2i:
		return k.argon2(ctx, argon2.Key, pass, key)
	case kdfArgon2id:
		return k.argon2(ctx, argon2.IDKey, pass, key)
	}
	return fmt.Errorf("key derivation %q: %w", clip(k.Type), ErrUnsupported)
}

type argonFunc func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte

// maxLanes is what the library's parameter holds; cryptsetup makes four at most.
const maxLanes = 255

func (k *KDF) argon2(ctx context.Context, run argonFunc, pass, key []byte) error {
	if k.CPUs > maxLanes {
		return fmt.Errorf("%s with %d lanes, at most %d: %w", k.Type, k.CPUs, maxLanes, ErrUnsupported)
	}
	own, salt, n := copySecret(pass), k.Salt, len(key)
	done := make(chan *secret, 1)
	go func() {
		defer own.wipe()
		made := run(own.b, salt, uint32(k.Time), uint32(k.Memory), uint8(k.CPUs), uint32(n))
		result := copySecret(made)
		clear(made)
		done <- result
	}()
	select {
	case <-ctx.Done():
		go func() { (<-done).wipe() }()
		return ctx.Err()
	case result := <-done:
		defer result.wipe()
		copy(key, result.b)
		return nil
	}
}

// pbkdf2 is PBKDF2 (RFC 8018, section 5.2) with HMAC. The standard library's cannot be
// cancelled and makes one block of the key after the other; here each has its goroutine.
func pbkdf2(ctx context.Context, a hashes.Algorithm, pass, salt []byte, iterations uint32, key []byte) error {
	var wait sync.WaitGroup
	for i := 0; i*a.Size < len(key); i++ {
		piece := key[i*a.Size : min(len(key), (i+1)*a.Size)]
		wait.Go(func() { pbkdf2Block(ctx, a, pass, salt, iterations, uint32(i+1), piece) })
	}
	wait.Wait()
	return ctx.Err()
}

// pbkdf2Block makes block number of the key.
func pbkdf2Block(ctx context.Context, a hashes.Algorithm, pass, salt []byte, iterations, number uint32, piece []byte) {
	mac := hmac.New(a.New, pass)
	s := newSecret(2 * a.Size)
	defer s.wipe()
	u, sum := s.b[:a.Size], s.b[a.Size:]
	mac.Write(salt)
	mac.Write(binary.BigEndian.AppendUint32(nil, number))
	copy(u, mac.Sum(u[:0]))
	copy(sum, u)
	for i := uint32(1); i < iterations; i++ {
		if i%cancelEvery == 0 && ctx.Err() != nil {
			return
		}
		mac.Reset()
		mac.Write(u)
		u = mac.Sum(u[:0])
		subtle.XORBytes(sum, sum, u)
	}
	copy(piece, sum)
	mac.Reset()
}

// proves reports whether the digest is that of key. It takes the time of its iterations;
// the comparison takes the same for every key.
func (d *Digest) proves(ctx context.Context, key []byte) (bool, error) {
	if d.Type != kdfPBKDF2 {
		return false, fmt.Errorf("digest of type %q: %w", clip(d.Type), ErrUnsupported)
	}
	a, err := lookupHash(d.Hash)
	if err != nil {
		return false, err
	}
	if len(d.Salt) == 0 || d.Iterations < 1 || d.Iterations > 1<<32-1 || len(d.Digest) < digest1 || len(d.Digest) > a.Size {
		return false, bad("a digest of %d bytes with %d iterations", len(d.Digest), d.Iterations)
	}
	sum := newSecret(len(d.Digest))
	defer sum.wipe()
	if err := pbkdf2(ctx, a, key, d.Salt, uint32(d.Iterations), sum.b); err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum.b, d.Digest) == 1, nil
}

// errCanceled reports whether err only says that nobody waits any more.
func errCanceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
