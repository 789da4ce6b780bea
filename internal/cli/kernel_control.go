package cli

import (
	"context"
	"os"

	urfave "github.com/urfave/cli/v2"

	"github.com/dmimg/dmimg/kernel"
)

// kernelKey is where a context has the options of the control device; tests put a fake kernel there.
type kernelKey struct{}

// The names of flags that several verbs have.
const (
	noUdevFlag   = "no-udev"
	inactiveFlag = "inactive"
	noFlushFlag  = "noflush"
)

func kernelNoUdevFlag() urfave.Flag {
	return &urfave.BoolFlag{
		Name: noUdevFlag, Usage: "do not wait for udev, make and remove nodes below /dev/mapper here (as with DM_DISABLE_UDEV set)",
	}
}

func kernelInactiveFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: inactiveFlag, Usage: "ask about the staged table instead of the live one"}
}

// withKernel opens the control device for do, closes it, and says what can be done about an error.
func withKernel(c *urfave.Context, do func(ctx context.Context, ctl *kernel.Control) error) error {
	o, _ := c.Context.Value(kernelKey{}).(kernel.Options)
	if o.Udev == kernel.UdevAuto {
		o.Udev = udevMode(c.Bool(noUdevFlag), os.Getenv("DM_DISABLE_UDEV"))
	}
	ctl, err := kernel.Open(o)
	if err != nil {
		return explainOpen(err)
	}
	err = do(c.Context, ctl)
	closeInto(ctl, &err)
	return explainKernel(err)
}

// udevMode is what --no-udev and the variable DM_DISABLE_UDEV, which all programs of device-mapper heed, ask for.
func udevMode(noUdev bool, disabled string) kernel.UdevSync {
	if noUdev || disabled != "" {
		return kernel.UdevOff
	}
	return kernel.UdevAuto
}
