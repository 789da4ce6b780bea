package cryptsetup

import (
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
)

// closeAction removes a mapping of whatever type, now or when its last user is done with it.
func (r *run) closeAction() error {
	return r.bodies.Machine.With(exit.Device, func(s *live.Session) error {
		c := live.Close{Tool: name, Word: r.word(0), Deferred: r.Has("deferred"), Cancel: r.Has("cancel-deferred")}
		return c.Do(r.ctx, s, r.Streams)
	})
}
