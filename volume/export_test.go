package volume

// KernelOnly is the list of targets without an engine, for its test.
func KernelOnly() map[string]string {
	list := make(map[string]string)
	for _, k := range kernelOnly {
		list[k.name] = k.reason
	}
	return list
}
