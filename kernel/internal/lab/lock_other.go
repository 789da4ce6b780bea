//go:build !unix

package lab

import "errors"

func tryLock(string) (func(), error) {
	return nil, errors.ErrUnsupported
}
