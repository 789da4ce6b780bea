package kernel

import "os"

// ProbePaths sends reads down the paths of a multipath device and fails those that are
// dead (Linux 6.16, DM_MPATH_PROBE_PATHS). f is the opened block device, not the control
// device. ErrNotSupported on older kernels and for other targets; EAGAIN while the device
// is suspended, ENOTCONN when no path works.
func ProbePaths(f *os.File) error {
	if err := probePaths(f); err != nil {
		return wrap("probe-paths", f.Name(), classify(err), err)
	}
	return nil
}
