package dmsetup

// rename gives a device another name, or with --setuuid a UUID.
func (t *tool) rename(args []string) error {
	d, ok, err := t.selected()
	if err != nil {
		return err
	}
	switch {
	case len(args) == 2:
		if d, err = t.named(args[0]); err != nil {
			return err
		}
	case !ok:
		return errNoDevice
	}
	text := args[len(args)-1]
	switch {
	case t.has("setuuid"):
		text, err = t.mangled("uuid", text, maxUUID)
	case text == "":
		err = failf("Non empty new name is required.")
	default:
		text, err = t.checkNewName(text)
	}
	if err != nil {
		return err
	}
	c, err := t.open()
	if err != nil {
		return err
	}
	udev, err := t.udevOptions()
	if err != nil {
		return err
	}
	if t.has("setuuid") {
		_, err = c.SetUUID(t.ctx, d.ref, text, udev.options)
	} else {
		_, err = c.Rename(t.ctx, d.ref, text, udev.options)
	}
	if err != nil {
		return ioctlError("rename", d, err)
	}
	return udev.done()
}
