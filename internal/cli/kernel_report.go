package cli

import (
	"io"

	"github.com/dmimg/dmimg/internal/cli/ui"
	"github.com/dmimg/dmimg/kernel"
)

// kernelDevice is a device in the JSON of every kernel verb.
type kernelDevice struct {
	Name                string `json:"name"`
	UUID                string `json:"uuid"`
	Major               uint32 `json:"major"`
	Minor               uint32 `json:"minor"`
	Path                string `json:"path"`
	State               string `json:"state"` // running, suspended or no_table
	OpenCount           int32  `json:"open_count"`
	EventNumber         uint32 `json:"event_number"`
	Targets             uint32 `json:"targets"`
	ReadOnly            bool   `json:"read_only"`
	Suspended           bool   `json:"suspended"`
	InternallySuspended bool   `json:"internally_suspended"`
	LiveTable           bool   `json:"live_table"`
	InactiveTable       bool   `json:"inactive_table"`
	DeferredRemove      bool   `json:"deferred_remove"`
	Flags               uint32 `json:"flags"` // DM_*_FLAG bits, as the kernel sent them
}

func deviceOf(i kernel.Info) kernelDevice {
	d := kernelDevice{
		Name: i.Name, UUID: i.UUID, Major: kernel.Major(i.DevNo), Minor: kernel.Minor(i.DevNo),
		Path: mapperDir + showDevice(i.Name), State: "running",
		OpenCount: i.OpenCount, EventNumber: i.EventNr, Targets: i.TargetsNum, ReadOnly: i.ReadOnly(),
		Suspended: i.Suspended(), InternallySuspended: i.InternallySuspended(),
		LiveTable: i.HasLiveTable(), InactiveTable: i.HasInactiveTable(), DeferredRemove: i.DeferredRemove(), Flags: i.Flags,
	}
	switch {
	case d.Suspended:
		d.State = "suspended"
	case !d.LiveTable:
		d.State = "no_table"
	}
	return d
}

// writeDevice prints what became of a device: with --json its state, otherwise nothing.
func writeDevice(w io.Writer, json bool, i kernel.Info) error {
	if !json {
		return nil
	}
	return ui.WriteJSON(w, deviceOf(i))
}

// writeDevices prints the JSON of several devices, which is a list even of one.
func writeDevices[T any](w io.Writer, list []T) error {
	if list == nil {
		list = []T{}
	}
	return ui.WriteJSON(w, map[string][]T{"devices": list})
}
