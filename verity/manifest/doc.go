// Package manifest reads and writes the manifest of a dm-verity image: a JSON
// document from which, with the data, every file that was made can be made again
// byte for byte. It has all settings, chance ones (salt, UUID) included, and the
// digests of what they gave; it has no times, no absolute paths and nothing of the
// machine or the program, so that equal images have equal manifests.
//
//	m, err := manifest.Decode(text)
//	// errors.Is(err, manifest.ErrMalformed), errors.Is(err, manifest.ErrVersion)
//	differences := manifest.Compare(m, made)
//
// Reading is strict: unknown, missing and repeated keys, numbers in another form than
// the one that is written, and whatever no image can have are errors. File names in
// a manifest have no directory; what becomes of them is for the caller to say.
//
// Digests are SHA-256 whatever hash the tree has.
package manifest
