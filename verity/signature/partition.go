package signature

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Sizes of signature partitions in bytes.
const (
	PartitionAlign = 4096    // the record is padded to a multiple of this
	MaxPartition   = 4 << 20 // larger ones are neither written nor read
)

// Partition is the record in a verity signature partition (Discoverable Partitions
// Specification, section Verity).
type Partition struct {
	RootHash    []byte
	Fingerprint []byte // SHA-256 of the DER of the signer's certificate; may be nil
	Signature   []byte // detached PKCS#7 in DER over [Content] of RootHash
}

// Fingerprint is what [Partition.Fingerprint] holds for cert.
func Fingerprint(cert *x509.Certificate) []byte {
	sum := sha256.Sum256(cert.Raw)
	return sum[:]
}

// partitionJSON has the fields in the order in which systemd-repart writes them.
type partitionJSON struct {
	RootHash    string `json:"rootHash"`
	Fingerprint string `json:"certificateFingerprint,omitempty"`
	Signature   string `json:"signature"`
}

// Encode returns the content of a partition of size bytes: the record, then zeros to
// the end, so that nothing of an older and longer record survives. Size 0 means the
// next multiple of [PartitionAlign].
// The errors wrap [ErrRootSize] or [ErrMalformed].
func (p *Partition) Encode(size int) ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(partitionJSON{
		hex.EncodeToString(p.RootHash), hex.EncodeToString(p.Fingerprint), base64.StdEncoding.EncodeToString(p.Signature),
	})
	if err != nil {
		return nil, fmt.Errorf("signature: encoding partition: %w", err)
	}
	if size == 0 {
		size = (len(b) + PartitionAlign - 1) / PartitionAlign * PartitionAlign
	}
	if size%PartitionAlign != 0 || size < len(b) || size > MaxPartition {
		return nil, fmt.Errorf("signature: encoding partition: a record of %d bytes does not make a partition of %d: multiples of %d up to %d: %w",
			len(b), size, PartitionAlign, MaxPartition, ErrMalformed)
	}
	return append(b, make([]byte, size-len(b))...), nil
}

func (p *Partition) check() error {
	if err := checkRoot(p.RootHash); err != nil {
		return err
	}
	if n := len(p.Fingerprint); n != 0 && n != sha256.Size {
		return malformed("fingerprint of %d bytes", n)
	}
	if n := len(p.Signature); n == 0 || n > maxMessage {
		return malformed("signature of %d bytes", n)
	}
	return nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("signature: partition: %s: %w", fmt.Sprintf(format, args...), ErrMalformed)
}

// DecodePartition reads the content of a signature partition of at most
// [MaxPartition] bytes. White space around the record and fields that are not known
// are passed over; everything else must be as [Partition.Encode] writes it.
//
// When bytes other than zeros follow the record, as writers leave them that do not
// clear what a longer record held before, the record is returned together with an
// error that wraps [ErrStaleTail]: systemd refuses such a partition. Other errors
// wrap [ErrMalformed].
func DecodePartition(b []byte) (*Partition, error) {
	if len(b) > MaxPartition {
		return nil, malformed("%d bytes, at most %d are read", len(b), MaxPartition)
	}
	fields, end, err := decodeFields(b)
	if err != nil {
		return nil, err
	}
	p := new(Partition)
	if p.RootHash, err = fields.hex("rootHash"); err != nil {
		return nil, err
	}
	if p.Fingerprint, err = fields.hex("certificateFingerprint"); err != nil {
		return nil, err
	}
	if p.Signature, err = base64.StdEncoding.Strict().DecodeString(fields["signature"]); err != nil {
		return nil, malformed("the signature is not base64")
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if tail := len(bytes.Trim(b[end:], "\x00 \t\r\n")); tail > 0 {
		return p, fmt.Errorf("signature: partition: %d bytes after its %d: %w", tail, end, ErrStaleTail)
	}
	return p, nil
}

type partitionFields map[string]string

// decodeFields reads the object that b begins with; end is the number of bytes up to
// its end. No field may come twice, lest two readers see different ones.
func decodeFields(b []byte) (fields partitionFields, end int, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return nil, 0, malformed("no JSON object")
	}
	fields = make(partitionFields)
	for d.More() {
		name, err := d.Token()
		key, ok := name.(string)
		if err != nil || !ok {
			return nil, 0, malformed("bad JSON")
		}
		if _, twice := fields[key]; twice {
			return nil, 0, malformed("the field %q comes twice", key)
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return nil, 0, malformed("bad JSON")
		}
		text, isText := value.(string)
		if !isText && (key == "rootHash" || key == "certificateFingerprint" || key == "signature") {
			return nil, 0, malformed("the field %q is not a string", key)
		}
		fields[key] = text
	}
	if _, err := d.Token(); err != nil {
		return nil, 0, malformed("bad JSON")
	}
	return fields, int(d.InputOffset()), nil
}

// hex decodes a field of lower-case hex digits.
func (f partitionFields) hex(name string) ([]byte, error) {
	text := f[name]
	b, err := hex.DecodeString(text)
	if err != nil || hex.EncodeToString(b) != text {
		return nil, malformed("the field %q is not lower-case hex digits in pairs", name)
	}
	if len(b) == 0 {
		return nil, nil
	}
	return b, nil
}

// Verify checks the record: that it is about root, that its signature is good (see
// [Verify], whose result and errors it returns), and that its fingerprint, if there
// is one, is that of a signer.
func (p *Partition) Verify(root []byte, o VerifyOptions) (*Result, error) {
	if !bytes.Equal(p.RootHash, root) {
		return nil, fmt.Errorf("signature: partition: it is about root hash %x: %w", p.RootHash, ErrBadSignature)
	}
	r, err := Verify(p.Signature, root, o)
	if err != nil || len(p.Fingerprint) == 0 {
		return r, err
	}
	for _, s := range r.Signers {
		if s.Trusted && bytes.Equal(p.Fingerprint, Fingerprint(s.Certificate)) {
			return r, nil
		}
	}
	return r, fmt.Errorf("signature: partition: its fingerprint %x is of another certificate: %w", p.Fingerprint, ErrBadSignature)
}
