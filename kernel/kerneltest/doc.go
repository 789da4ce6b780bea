// Package kerneltest is for tests of programs that use package kernel: a fake kernel that
// needs neither Linux nor root, and what tests on a real one need.
//
// The fake is a device-mapper core as a state machine, behind the same buffers as the real
// one: devices with a live and a staged table, event numbers, suspension, deferred removal,
// open counts, names and UUIDs that are taken, targets that may not be exchanged, answers
// that do not fit, a udev with semaphores and nodes. It moves no data and checks devices by
// number and size only. testdata has requests of all kinds with the answers of real kernels,
// flags, counters and sizes included: the fake gives the same.
//
//	k := kerneltest.New(t, kerneltest.Options{})
//	k.AddDisk("/dev/sda", 1<<20)
//	c := k.Open(kernel.Options{})
//	_, err := c.CreateAndLoad(ctx, "data", kernel.ActivateOptions{}, tables.LinearTable{
//		Length: 1 << 20, BackendDevice: "/dev/sda",
//	})
//
// What a careless program gets away with on a real kernel is an error of the test: padding
// that is not zero, a request without udev's flags, a semaphore that is left behind.
// [Kernel.Inject] makes calls fail, [Kernel.Calls] tells which were made.
//
// Tests on a real kernel begin with [Require] and name devices with [Name].
package kerneltest
