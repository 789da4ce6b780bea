//go:build !unix

package volume_test

import "errors"

// makePipe: there are no named pipes in the file system.
func makePipe(string) error { return errors.ErrUnsupported }
