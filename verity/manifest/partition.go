package manifest

// PartitionUUIDs are the UUIDs of the two GPT partitions of an image.
type PartitionUUIDs struct {
	Data UUID `json:"data"`
	Tree UUID `json:"tree"`
}

// PartitionUUIDsOf derives the UUIDs from a root hash: the data partition's is the
// first 128 bits, the hash partition's the last 128 (Discoverable Partitions
// Specification, section Verity). The specification speaks of 256 bits; systemd takes
// the ends of longer and shorter hashes as well, which overlap below 256. ok is false
// for a hash of 128 bits or fewer: two partitions cannot share a UUID.
func PartitionUUIDsOf(root []byte) (u PartitionUUIDs, ok bool) {
	if len(root) <= len(UUID{}) {
		return u, false
	}
	return PartitionUUIDs{UUID(root[:len(UUID{})]), UUID(root[len(root)-len(UUID{}):])}, true
}
