package cli

import (
	"context"

	"github.com/dmimg/dmimg/kernel"
)

// WithKernel makes the kernel verbs open the control device with these options, for tests with a fake kernel.
func WithKernel(ctx context.Context, o kernel.Options) context.Context {
	return context.WithValue(ctx, kernelKey{}, o)
}

// UdevMode is udevMode, for tests.
var UdevMode = udevMode
