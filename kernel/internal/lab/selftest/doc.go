// Package selftest holds the tests that show what the lab promises to those that
// run inside of it: a kernel of the right version, device-mapper with its targets,
// modules by alias, disks, tools, udev. They run inside, started by the tests of
// package lab and by "make lab". There is no code to import.
package selftest
