package ui

import (
	"errors"

	"github.com/dmimg/dmimg/crypt"
	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/verity"
	"github.com/dmimg/dmimg/verity/signature"
	"github.com/dmimg/dmimg/volume"
	"github.com/dmimg/dmimg/volume/integrity"
)

// meaning says which exit status a sentinel error of our packages stands for.
type meaning struct {
	err  error
	code int
}

// sentinels is the one place where library errors become exit statuses. What is
// not listed is [ExitFailed]: I/O, unsupported, not the format it was said to be.
var sentinels = []meaning{
	{verity.ErrCorrupt, ExitCorrupt},
	{signature.ErrBadSignature, ExitCorrupt},
	{signature.ErrUntrusted, ExitCorrupt},
	{signature.ErrDamaged, ExitCorrupt},
	{signature.ErrStaleTail, ExitCorrupt},
	{signature.ErrKeyMismatch, ExitWrongKey},
	{volume.ErrIO, ExitCorrupt},
	{crypt.ErrIntegrity, ExitCorrupt},
	{integrity.ErrCorrupt, ExitCorrupt},
	{integrity.ErrJournal, ExitCorrupt},
	{volume.ErrNoKey, ExitWrongKey},
	{crypt.ErrKeySize, ExitWrongKey},
	{luks.ErrWrongKey, ExitWrongKey},
}

func sentinelCode(err error) int {
	for _, m := range sentinels {
		if errors.Is(err, m.err) {
			return m.code
		}
	}
	return ExitFailed
}
