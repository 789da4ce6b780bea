package lab

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Offsets in the setup header of a bzImage, Documentation/arch/x86/boot.rst.
const (
	setupSectors  = 0x1f1
	setupMagic    = 0x202
	setupVersion  = 0x206
	payloadOffset = 0x248
	payloadLength = 0x24c
	setupEnd      = 0x250
	// payloadProtocol is the first version of the header with the payload fields.
	payloadProtocol = 0x0208
)

// Compressions of the payload by their first bytes.
var (
	magicGzip = []byte{0x1f, 0x8b}
	magicXZ   = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	magicZstd = []byte{0x28, 0xb5, 0x2f, 0xfd}
	magicLZ4  = []byte{0x02, 0x21, 0x4c, 0x18}
	magicELF  = []byte{0x7f, 'E', 'L', 'F'}
)

// writeImage writes the kernel that QEMU boots: the ELF file inside the bzImage, so
// that no guest unpacks it again.
func writeImage(ctx context.Context, bzImage []byte, dir string) error {
	payload, err := imagePayload(bzImage)
	if err != nil {
		return fmt.Errorf("kernel image: %w", err)
	}
	elf, err := unpackPayload(ctx, payload)
	if err != nil {
		return fmt.Errorf("kernel image: %w", err)
	}
	if !bytes.HasPrefix(elf, magicELF) {
		return errors.New("kernel image: what is packed in it is not an ELF file")
	}
	return os.WriteFile(filepath.Join(dir, elfFile), elf, 0o644)
}

// imagePayload returns the packed kernel in a bzImage, without the length of the
// unpacked one that all compressions but gzip have at the end.
func imagePayload(image []byte) ([]byte, error) {
	if len(image) < setupEnd || string(image[setupMagic:setupMagic+4]) != "HdrS" {
		return nil, errors.New("no setup header of a bzImage")
	}
	if v := binary.LittleEndian.Uint16(image[setupVersion:]); v < payloadProtocol {
		return nil, fmt.Errorf("boot protocol %#x: at least %#x is needed", v, payloadProtocol)
	}
	sectors := uint64(image[setupSectors])
	if sectors == 0 {
		sectors = 4
	}
	start := (sectors+1)*512 + uint64(binary.LittleEndian.Uint32(image[payloadOffset:]))
	length := uint64(binary.LittleEndian.Uint32(image[payloadLength:]))
	if start+length > uint64(len(image)) || length < 8 {
		return nil, fmt.Errorf("payload of %d bytes at %d is not inside the %d bytes of the image", length, start, len(image))
	}
	payload := image[start : start+length]
	if !bytes.HasPrefix(payload, magicGzip) {
		payload = payload[:len(payload)-4]
	}
	return payload, nil
}

func unpackPayload(ctx context.Context, payload []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(payload, magicGzip):
		r, err := gzip.NewReader(bytes.NewReader(payload))
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case bytes.HasPrefix(payload, magicXZ):
		return command{name: "xz", args: []string{"-dc"}, stdin: bytes.NewReader(payload)}.run(ctx)
	case bytes.HasPrefix(payload, magicZstd):
		return command{name: "zstd", args: []string{"-dcq"}, stdin: bytes.NewReader(payload)}.run(ctx)
	case bytes.HasPrefix(payload, magicLZ4):
		return unpackLZ4(payload)
	}
	return nil, fmt.Errorf("unknown compression: it begins with % x", payload[:4])
}
