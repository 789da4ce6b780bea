package crypt

import (
	"encoding/hex"
	"testing"
)

func decodeHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("decoding %d hex digits: %v", len(s), err)
	}
	return b
}
