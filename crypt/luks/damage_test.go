package luks

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// header2 is a good header of LUKS2, made anew: two copies of 16 KiB, room for slots and
// nothing behind.
func header2(t testing.TB) ([]byte, *Header2) {
	t.Helper()
	h := &Header2{Size: minSize2, SequenceID: 3, Label: "label", ChecksumHash: "sha256", UUID: "0a8c9a7e-7f0b-4b5c-8d7a-2f6c5d4e3b2a"}
	h.JSON = []byte(goodJSON)
	var err error
	if h.Metadata, err = ParseMetadata(h.JSON, h.Size); err != nil {
		t.Fatal(err)
	}
	image := make([]byte, 4<<20)
	twoCopies(t, image, h, h.JSON)
	return image, h
}

const goodJSON = `{"keyslots":{"0":{"type":"luks2","key_size":64,"af":{"type":"luks1","stripes":4000,"hash":"sha256"},` +
	`"area":{"type":"raw","offset":"32768","size":"258048","encryption":"aes-xts-plain64","key_size":64},` +
	`"kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000,"salt":"AAAA"},"later":{"x":[1.50,"<&>"]}}},` +
	`"tokens":{"3":{"type":"what","keyslots":["0"],"secret":"kept"}},` +
	`"segments":{"0":{"type":"crypt","offset":"2097152","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512}},` +
	`"digests":{"0":{"type":"pbkdf2","keyslots":["0"],"segments":["0"],"hash":"sha256","iterations":1000,"salt":"AAAA","digest":"AAAA"}},` +
	`"config":{"json_size":"12288","keyslots_size":"2064384","new":null},"further":[]}`

// TestCopies damages one copy or the other.
func TestCopies(t *testing.T) {
	t.Parallel()
	older := func(t *testing.T, image []byte, h *Header2, copyNumber uint64) {
		c := *h
		c.Offset, c.SequenceID = copyNumber*h.Size, h.SequenceID-1
		b, err := c.encode(h.JSON)
		if err != nil {
			t.Fatal(err)
		}
		copy(image[c.Offset:], b)
	}
	for _, c := range []struct {
		name    string
		damage  func(t *testing.T, image []byte, h *Header2) []byte
		problem string // "": none
		offset  uint64 // of the copy that is used
		err     error
	}{
		{name: "good", damage: func(_ *testing.T, b []byte, _ *Header2) []byte { return b }},
		{name: "first damaged", problem: "first copy of the header is damaged", offset: minSize2, damage: func(_ *testing.T, b []byte, _ *Header2) []byte {
			b[5000] ^= 1
			return b
		}},
		{name: "first overwritten", problem: "first copy of the header is damaged", offset: minSize2, damage: func(_ *testing.T, b []byte, _ *Header2) []byte {
			clear(b[:8192])
			return b
		}},
		{name: "second damaged", problem: "second copy of the header is damaged", damage: func(_ *testing.T, b []byte, h *Header2) []byte {
			b[h.Size+100] ^= 1
			return b
		}},
		{name: "first older", problem: "epoch 2, the second has 3", offset: minSize2, damage: func(t *testing.T, b []byte, h *Header2) []byte {
			older(t, b, h, 0)
			return b
		}},
		{name: "second older", problem: "epoch 2, the first has 3", damage: func(t *testing.T, b []byte, h *Header2) []byte {
			older(t, b, h, 1)
			return b
		}},
		{name: "both damaged", err: ErrHeader, damage: func(_ *testing.T, b []byte, h *Header2) []byte {
			b[5000] ^= 1
			b[h.Size+5000] ^= 1
			return b
		}},
		{name: "second at a place for another size", err: ErrHeader, damage: func(_ *testing.T, b []byte, h *Header2) []byte {
			moved := bytes.Clone(b[h.Size : 2*h.Size])
			clear(b[:2*h.Size])
			copy(b[2*h.Size:], moved)
			return b
		}},
		{name: "cut in the first copy", err: ErrHeader, damage: func(_ *testing.T, b []byte, _ *Header2) []byte { return b[:9000] }},
		{name: "cut in the second copy", problem: "second copy of the header is damaged", damage: func(_ *testing.T, b []byte, h *Header2) []byte {
			return b[:h.Size+9000]
		}},
		{name: "cut after the magic", err: ErrHeader, damage: func(_ *testing.T, b []byte, _ *Header2) []byte { return b[:8] }},
		{name: "empty", err: ErrNotLUKS, damage: func(_ *testing.T, b []byte, _ *Header2) []byte { return b[:0] }},
		{name: "zeros", err: ErrNotLUKS, damage: func(_ *testing.T, b []byte, _ *Header2) []byte { clear(b); return b }},
		{name: "version 3", err: ErrUnsupported, damage: func(_ *testing.T, b []byte, _ *Header2) []byte { b[7] = 3; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			image, v := header2(t)
			h, err := Read(bytes.NewReader(c.damage(t, image, v)))
			if !errors.Is(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if problems := strings.Join(h.Problems, "\n"); !strings.Contains(problems, c.problem) || (c.problem == "") != (problems == "") {
				t.Errorf("problems %q, want %q", problems, c.problem)
			}
			if h.V2.Offset != c.offset {
				t.Errorf("the copy at %d is used, want %d", h.V2.Offset, c.offset)
			}
		})
	}
}

// TestBadJSON refuses texts that are hostile by their form; what they say is checked
// against cryptsetup in TestStrictness.
func TestBadJSON(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	insert := func(member string) string { return strings.Replace(goodJSON, `"further":[]`, member, 1) }
	for _, c := range []struct{ name, doc, want string }{
		{"not closed", goodJSON[:len(goodJSON)-1], "no JSON"},
		{"two values", goodJSON + "{}", "no JSON"},
		{"array", "[]", "no object"},
		{"member twice", insert(`"further":[],"further":[]`), `member "further" stands twice`},
		{"section twice", insert(`"config":{}`), `member "config" stands twice`},
		{"member twice below", insert(`"further":{"a":[{"b":1,"b":1}]}`), `member "b" stands twice`},
		{"member twice by escapes", insert(`"further":1,"f\u0075rther":1`), "stands twice"},
		{"too deep", insert(`"further":` + deep(maxDepth)), "levels deep"},
		{"bomb", insert(`"further":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)), "levels deep"},
		{"null section", strings.Replace(goodJSON, `"tokens":{`, `"tokens":null,"t":{`, 1), "no object"},
		{"null object", strings.Replace(goodJSON, `"tokens":{`, `"tokens":{"1":null,`, 1), "no object"},
		{"null member", strings.Replace(goodJSON, `"key_size":64,"af"`, `"key_size":null,"af"`, 1), "key_size is null"},
		{"member in capitals", strings.Replace(goodJSON, `"key_size":64,"af"`, `"KEY_SIZE":64,"af"`, 1), "key_size is missing"},
		{"leading zero", strings.Replace(goodJSON, `"3":{`, `"03":{`, 1), "no number of an object"},
		{"too long", `{"a":"` + strings.Repeat("x", maxSize2) + `"}`, "4194"},
		{"many objects", strings.Replace(goodJSON, `"3":{`, manyTokens(40)+`"3":{`, 1), "at most 32"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseMetadata([]byte(c.doc), minSize2)
			if !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %.300v, want one with %q", err, c.want)
			}
		})
	}
	if m, err := ParseMetadata([]byte(insert(`"further":`+deep(maxDepth-1))), minSize2); err != nil || m.Extra["further"] == nil {
		t.Errorf("%d levels: %v", maxDepth, err)
	}
}

func manyTokens(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%d":{"type":"t","keyslots":[]},`, 100+i)
	}
	return b.String()
}

// TestKeepsUnknown makes sure that a rewritten header has what it had.
func TestKeepsUnknown(t *testing.T) {
	t.Parallel()
	image, h := header2(t)
	read, err := Read(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, read, image)
	doc, err := h.Metadata.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"later":{"x":[1.50,"<&>"]}`, `"secret":"kept"`, `"new":null`, `"further":[]`} {
		if !strings.Contains(string(doc), want) {
			t.Errorf("%s is missing in %s", want, doc)
		}
	}
}

// TestBadHeader1 changes bytes of a good LUKS1 header.
func TestBadHeader1(t *testing.T) {
	t.Parallel()
	image := unpack(t, 1<<20, "luks", "l1-all-slots.img.xz")
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"cut off", func(b []byte) []byte { return b[:500] }, "592"},
		{"slot state", func(b []byte) []byte { b[firstSlot1] = 1; return b }, "neither in use nor free"},
		{"slot in the header", func(b []byte) []byte { b[firstSlot1+42] = 0; b[firstSlot1+43] = 1; return b }, "inside the header"},
		{"slots overlap", func(b []byte) []byte { b[firstSlot1+43] = 20; return b }, "overlap"},
		{"stripes", func(b []byte) []byte { b[firstSlot1+47]++; return b }, "stripes"},
		{"no iterations", func(b []byte) []byte { clear(b[firstSlot1+4 : firstSlot1+8]); return b }, "no iterations"},
		{"no digest iterations", func(b []byte) []byte { clear(b[164:168]); return b }, "no iterations"},
		{"no cipher", func(b []byte) []byte { b[8] = 0; return b }, "names no cipher"},
		{"key size", func(b []byte) []byte { b[108] = 0xff; return b }, "a key of"},
		{"no key", func(b []byte) []byte { clear(b[108:112]); return b }, "a key of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Read(bytes.NewReader(c.change(bytes.Clone(image[:size1]))))
			if !errors.Is(err, ErrHeader) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	damaged := bytes.Clone(image[:size1])
	damaged[firstSlot1] = 1
	var h Header1 // says what it can all the same
	if err := h.UnmarshalBinary(damaged); !errors.Is(err, ErrHeader) || h.UUID == "" || !h.Slots[7].Active {
		t.Errorf("a damaged header is decoded as %+v, %v", h, err)
	}
}
