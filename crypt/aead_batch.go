package crypt

import "sync"

// tagBatch is a tagRun with room for the IVs of a batch. It comes from a pool
// because it goes through interfaces, and would be allocated for every batch.
type tagBatch struct {
	tagRun
	room ivBuffer
}

var tagBatches = sync.Pool{New: func() any { return new(tagBatch) }}
