package dmsetup

import "strings"

// nameParts are the parts of a device's name.
type nameParts struct{ subsystem, group, volume, layer string }

// subsystemLVM is the only subsystem whose names can be split.
const subsystemLVM = "LVM"

// splitName prints the parts of a name.
func (t *tool) splitName(args []string) error {
	r := &row{name: args[0], plain: true}
	if len(args) > 1 {
		r.info.UUID = args[1] + "-"
	} else {
		r.info.UUID = subsystemLVM + "-"
	}
	p, err := t.newReport("vg_name,lv_name,lv_layer")
	if err != nil {
		return err
	}
	return p.print([]*row{r})
}

// split takes a name apart. The subsystem is the beginning of the UUID.
func (r *row) split() nameParts {
	name := r.name
	if !r.plain {
		name = r.info.Name
	}
	subsystem, _, ok := strings.Cut(r.info.UUID, "-")
	switch {
	case !ok:
		return nameParts{}
	case subsystem != subsystemLVM:
		return nameParts{subsystem: subsystem}
	}
	parts := splitLVM(name)
	parts.subsystem = subsystem
	return parts
}

// isNamePart reports whether a field is one of those that a name is made of.
func isNamePart(f field) bool {
	switch f.id {
	case "subsystem", "vg_name", "lv_name", "lv_layer", selectedField:
		return true
	}
	return false
}

// splitLVM takes a name of LVM apart: hyphens separate group, volume and layer, and
// double ones stand for one inside them. What follows the layer is left out.
func splitLVM(name string) nameParts {
	var parts [3]strings.Builder
	for i, part := 0, 0; i < len(name) && part < len(parts); i++ {
		switch {
		case name[i] != '-':
			parts[part].WriteByte(name[i])
		case i+1 < len(name) && name[i+1] == '-':
			parts[part].WriteByte('-')
			i++
		case i+1 == len(name):
			parts[part].WriteByte('-')
		default:
			part++
		}
	}
	return nameParts{group: parts[0].String(), volume: parts[1].String(), layer: parts[2].String()}
}
