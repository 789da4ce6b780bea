package dropin

import (
	"github.com/dmimg/dmimg/internal/dropin/exit"
	"github.com/dmimg/dmimg/internal/dropin/live"
	"github.com/dmimg/dmimg/internal/dropin/popt"
)

// closeDevice removes a mapping, now or when its last user is done with it.
func closeDevice(r *run, c *popt.Line) error {
	return r.bodies.Machine.With(exit.Device, func(s *live.Session) error {
		o := live.Close{Tool: r.tool, Word: c.Words[0], Deferred: c.Has("deferred"), Cancel: c.Has("cancel-deferred")}
		return o.Do(r.ctx, s, r.Streams)
	})
}
