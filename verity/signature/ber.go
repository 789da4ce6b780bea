package signature

import (
	"errors"
	"fmt"
)

// Bounds on what is taken apart. Signatures of a few signers with their certificates
// stay far below all of them.
const (
	maxMessage  = 1 << 20 // bytes
	maxDepth    = 32      // elements inside each other
	maxElements = 1 << 14
)

// Identifier octets (X.690, section 8.1.2) that the message is made of.
const (
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagOID      = 0x06
	tagSequence = 0x30
	tagSet      = 0x31
	tagKeyID    = 0x80 // [0], primitive: SubjectKeyIdentifier
	tagContext0 = 0xa0
	tagContext1 = 0xa1

	isConstructed = 0x20
	highTag       = 0x1f
)

// element is one element of BER (X.690): a primitive with its content, or one that
// holds others. Whatever way it was encoded, it is written in DER.
type element struct {
	tag      byte // the identifier octet
	content  []byte
	elements []*element
	encoded  []byte // set instead of all others: DER to be written as it is
}

// parseBER takes a whole message apart, all of it, once and within bounds. Both forms
// of length are understood, and that is all of BER that signatures come in.
func parseBER(b []byte) (*element, error) {
	if len(b) > maxMessage {
		return nil, fmt.Errorf("%d bytes, at most %d are read", len(b), maxMessage)
	}
	p := berParser{left: maxElements}
	e, rest, err := p.element(b, 0)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow its end", len(rest))
	}
	return e, nil
}

type berParser struct{ left int }

var (
	errCutOff  = errors.New("an element ends before its length")
	errTooDeep = errors.New("too many elements inside each other")
	errTooMany = errors.New("too many elements")
)

// element reads the element that b begins with and returns what follows it.
func (p *berParser) element(b []byte, depth int) (e *element, rest []byte, err error) {
	switch {
	case depth > maxDepth:
		return nil, nil, errTooDeep
	case p.left == 0:
		return nil, nil, errTooMany
	case len(b) < 2:
		return nil, nil, errCutOff
	}
	p.left--
	e = &element{tag: b[0]}
	if e.tag&highTag == highTag || e.tag == 0 {
		return nil, nil, fmt.Errorf("element with identifier %#02x", e.tag)
	}
	if b[1] == 0x80 {
		return p.indefinite(e, b[2:], depth)
	}
	content, rest, err := splitLength(b[1:])
	if err != nil {
		return nil, nil, err
	}
	if e.tag&isConstructed == 0 {
		e.content = content
		return e, rest, nil
	}
	for len(content) > 0 {
		var child *element
		if child, content, err = p.element(content, depth+1); err != nil {
			return nil, nil, err
		}
		e.elements = append(e.elements, child)
	}
	return e, rest, nil
}

// indefinite reads elements up to the two zeros that end e (X.690, section 8.1.3.6).
func (p *berParser) indefinite(e *element, b []byte, depth int) (_ *element, rest []byte, err error) {
	if e.tag&isConstructed == 0 {
		return nil, nil, errors.New("a primitive element of indefinite length")
	}
	for len(b) < 2 || b[0] != 0 || b[1] != 0 {
		var child *element
		if child, b, err = p.element(b, depth+1); err != nil {
			return nil, nil, err
		}
		e.elements = append(e.elements, child)
	}
	return e, b[2:], nil
}

// splitLength reads a definite length (X.690, sections 8.1.3.4 and 8.1.3.5), the
// shortest form or not, and splits what follows there.
func splitLength(b []byte) (content, rest []byte, err error) {
	n, b := uint64(b[0]), b[1:]
	if n >= 0x80 {
		octets := int(n & 0x7f)
		if octets > 4 || octets > len(b) {
			return nil, nil, errCutOff
		}
		n = 0
		for _, octet := range b[:octets] {
			n = n<<8 | uint64(octet)
		}
		b = b[octets:]
	}
	if n > uint64(len(b)) {
		return nil, nil, errCutOff
	}
	return b[:n], b[n:], nil
}

// size is the number of bytes of the content in DER.
func (e *element) size() int {
	n := len(e.content)
	for _, child := range e.elements {
		n += child.fullSize()
	}
	return n
}

func (e *element) fullSize() int {
	if e.encoded != nil {
		return len(e.encoded)
	}
	n := e.size()
	return 1 + len(appendLength(nil, n)) + n
}

// append writes the element in DER. Elements of a SET stay in their order.
func (e *element) append(b []byte) []byte {
	if e.encoded != nil {
		return append(b, e.encoded...)
	}
	b = append(b, e.tag)
	b = appendLength(b, e.size())
	b = append(b, e.content...)
	for _, child := range e.elements {
		b = child.append(b)
	}
	return b
}

func appendLength(b []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(b, byte(n))
	case n < 1<<8:
		return append(b, 0x81, byte(n))
	case n < 1<<16:
		return append(b, 0x82, byte(n>>8), byte(n))
	default:
		return append(b, 0x83, byte(n>>16), byte(n>>8), byte(n))
	}
}
