package tables

import (
	"fmt"
	"strings"
)

// Limits of the boot parameter: the value with its NUL, devices, and tables of
// each device (the kernel's dm-init documentation).
const (
	createParameter  = "dm-mod.create="
	maxCreateBytes   = 4096
	maxCreateDevices = 256
	maxCreateTables  = 256
)

// isCreate says whether a line is the boot parameter.
func isCreate(line string) bool {
	line = strings.TrimLeft(line, " \t\v\f\r")
	return strings.HasPrefix(strings.TrimPrefix(line, `"`), createParameter)
}

// createValue takes the parameter's name and quotes off. The kernel's command
// line allows the quotes around the value or around the whole.
func createValue(text string) (string, error) {
	text = strings.Trim(text, spaces)
	whole := strings.HasPrefix(text, `"`)
	text = strings.TrimPrefix(strings.TrimPrefix(text, `"`), createParameter)
	quoted := strings.HasPrefix(text, `"`)
	if !whole && !quoted {
		return text, nil
	}
	if quoted {
		text = text[1:]
	}
	end := strings.IndexByte(text, '"')
	switch {
	case end < 0:
		return "", fmt.Errorf("%w: the closing quote of %s is missing", ErrSyntax, createParameter)
	case end != len(text)-1 || whole && quoted:
		return "", fmt.Errorf("%w: there is text after the closing quote of %s", ErrSyntax, createParameter)
	}
	return text[:end], nil
}

// FormatCreate writes devices as the boot parameter dm-mod.create="…", for the
// kernel's command line, and checks what the kernel would refuse there: each
// device must pass [Device.Validate] and have only targets that are allowed at
// boot (crypt, delay, linear, snapshot-origin, striped, verity), verity must be
// read-only, and the value has less than 4096 bytes, at most 256 devices and
// 256 tables each. Double quotes cannot be written. Keys are written.
func FormatCreate(ds ...Device) (string, error) {
	if len(ds) == 0 || len(ds) > maxCreateDevices {
		return "", failf("", "", ErrInvalid, "found %d devices, %s wants 1 to %d", len(ds), createParameter, maxCreateDevices)
	}
	for _, d := range ds {
		if err := checkCreate(d); err != nil {
			return "", err
		}
	}
	value, err := FormatConcise(ds...)
	if err != nil {
		return "", err
	}
	if len(value) >= maxCreateBytes {
		return "", failf("", "", ErrInvalid, "the value of %s has %d bytes, the limit is %d", createParameter, len(value), maxCreateBytes-1)
	}
	if strings.IndexByte(value, '"') >= 0 {
		return "", failf("", "", ErrSyntax, "a double quote cannot be written in %s", createParameter)
	}
	return createParameter + `"` + value + `"`, nil
}

func checkCreate(d Device) error {
	if len(d.Tables) > maxCreateTables {
		return onLine(failf("", "", ErrInvalid, "found %d tables, %s wants at most %d", len(d.Tables), createParameter, maxCreateTables), 0, d.Name)
	}
	if err := d.Validate(); err != nil {
		return err
	}
	for i, t := range d.Tables {
		name := TargetType(t)
		if tgt, known := lookup(name); !known || !tgt.boot {
			return onLine(failf(name, "", ErrInvalid, "the kernel does not accept this target in %s", createParameter), i+1, d.Name)
		}
		if name == "verity" && !d.ReadOnly {
			return onLine(failf(name, "", ErrInvalid, "the device must be read-only"), i+1, d.Name)
		}
	}
	return nil
}
