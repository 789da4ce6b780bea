package ui

import "errors"

// meaning says which exit status a sentinel error of our packages stands for.
type meaning struct {
	err  error
	code int
}

// sentinels is the one place where library errors become exit statuses. What is
// not listed is ExitFailed.
var sentinels = []meaning{}

func sentinelCode(err error) int {
	for _, m := range sentinels {
		if errors.Is(err, m.err) {
			return m.code
		}
	}
	return ExitFailed
}
