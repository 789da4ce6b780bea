package cli

import (
	"context"

	"github.com/dmimg/dmimg/crypt/luks"
	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/internal/dropin/cryptsetup"
)

// luksBodies lends functions of the luks verbs to the drop-in cryptsetup.
func luksBodies() cryptsetup.Bodies {
	return cryptsetup.Bodies{Dump: writeLUKSDump, MakeIntegrity: makeDropinIntegrity}
}

// makeDropinIntegrity makes the tags of a device whose header was just written.
func makeDropinIntegrity(ctx context.Context, s ui.Streams, i cryptsetup.Integrity) error {
	o := luksFormatOptions{
		place: luksPlace{image: filePath(i.Path)}, noWipe: i.NoWipe, progress: i.Progress,
		format: luks.FormatOptions{IntegrityLegacyPadding: i.LegacyPadding},
	}
	return o.makeIntegrity(ctx, s, &luksTargets{data: i.Data}, i.Header, i.Key)
}
