package kernel

import "os"

// ProbePaths sends reads down the paths of a multipath device and fails those that are
// dead (Linux 6.16, DM_MPATH_PROBE_PATHS). f is the opened block device, not the control
// device. ErrNotSupported on older kernels and for other targets; EAGAIN while the device
// is suspended, ENOTCONN when no path works.
func ProbePaths(f *os.File) error {
	return &Error{Op: "probe-paths", Name: f.Name(), Err: ErrNotSupported}
}
