package cli

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
)

// repartPartition has field names of `systemd-repart --json`, those that say what
// a partition is and not where it lies. Programs that read that take either.
type repartPartition struct {
	Type      string  `json:"type"`
	Label     string  `json:"label"`
	UUID      string  `json:"uuid"`
	File      string  `json:"file"`
	RawSize   int64   `json:"raw_size"` // bytes
	RootHash  *string `json:"roothash"` // null but for the hash partition
	SplitPath string  `json:"split_path"`
}

// maxLabel is how many characters the label of a GPT partition has.
const maxLabel = 36

// emitRepart makes the two partitions of the Discoverable Partitions Specification,
// with the files that go into them.
func emitRepart(j *verityJob) (string, error) {
	u, err := j.needPartitionUUIDs("emit repart")
	if err != nil {
		return "", err
	}
	data := j.o.data
	if data == "-" {
		data = nameless
	}
	const verity = "-verity"
	use, root := cmp.Or(j.o.emit.partitionType, "root"), hex.EncodeToString(j.root)
	hashBytes := j.layout.HashEndOffset()
	if j.o.fec.device != "" && isSamePath(j.o.fec.device, j.o.hash) {
		hashBytes = max(hashBytes, j.o.fec.offset+j.fec.ParityBytes())
	}
	text, err := json.Marshal([]repartPartition{
		{
			Type: use, Label: cut(j.mapName(), maxLabel), UUID: u.Data.String(), File: data,
			RawSize: j.layout.DataBytes(), SplitPath: data,
		},
		{
			Type: use + verity, Label: cut(j.mapName(), maxLabel-len(verity)) + verity, UUID: u.Tree.String(), File: j.o.hash,
			RawSize: hashBytes, RootHash: &root, SplitPath: j.o.hash,
		},
	})
	return string(text), err
}
