package probe

import "encoding/binary"

// diskFile recognises the files in which hypervisors keep disks. Their content is not at the place where a
// table would look for it, so that they have to be converted first.
func diskFile(im *image) *Layer {
	for _, look := range []func(*image) *Layer{qcow2, vmdk, vhdx, vdi, vhd, androidSparse} {
		if l := look(im); l != nil {
			return l
		}
	}
	return nil
}

func qcow2(im *image) *Layer {
	b := im.at(0, 72)
	if b == nil || string(b[:4]) != "QFI\xfb" {
		return nil
	}
	l := im.layer("qcow2", 0)
	version := binary.BigEndian.Uint32(b[4:])
	l.add("version", uint64(version))
	l.add("virtual_size_bytes", binary.BigEndian.Uint64(b[24:]))
	if bits := binary.BigEndian.Uint32(b[20:]); bits >= 9 && bits <= 21 {
		l.add("cluster_size", uint64(1)<<bits)
	}
	encryption := []string{"none", "aes", "luks"}
	if n := binary.BigEndian.Uint32(b[32:]); int64(n) < int64(len(encryption)) {
		l.add("encryption", encryption[n])
	}
	if off, n := binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:]); off > 0 && off < 1<<21 && n > 0 && n <= 1023 {
		l.add("backing_file", text(im.at(int64(off), int(n))))
	}
	if version < 2 || version > 3 {
		l.problem("version %d is not known", version)
	}
	l.openWith("qemu-img convert -O raw IMAGE OUT")
	return l
}

func vmdk(im *image) *Layer {
	b := im.at(0, sector)
	switch {
	case b == nil:
		return nil
	case string(b[:4]) == "KDMV":
		l := im.layer("vmdk", 0)
		l.add("version", uint64(binary.LittleEndian.Uint32(b[4:])))
		if n := binary.LittleEndian.Uint64(b[12:]); n < 1<<54 {
			l.add("virtual_size_bytes", n*sector)
		}
		l.openWith("qemu-img convert -O raw IMAGE OUT")
		return l
	case string(b[:21]) == "# Disk DescriptorFile":
		l := im.layer("vmdk", 0)
		l.Description = "VMware disk descriptor: the data is in the files it names"
		l.openWith("qemu-img convert -O raw IMAGE OUT")
		return l
	}
	return nil
}

func vhdx(im *image) *Layer {
	if !im.has(0, "vhdxfile") {
		return nil
	}
	l := im.layer("vhdx", 0)
	l.openWith("qemu-img convert -O raw IMAGE OUT")
	return l
}

func vdi(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || binary.LittleEndian.Uint32(b[64:]) != 0xbeda107f {
		return nil
	}
	l := im.layer("vdi", 0)
	l.UUID = guid(b[392:408])
	l.add("virtual_size_bytes", binary.LittleEndian.Uint64(b[368:]))
	l.openWith("qemu-img convert -O raw IMAGE OUT")
	return l
}

// vhd recognises the footer of a Virtual PC disk: at the start of a dynamic one, else in the last sector only,
// where a fixed disk has its data in front.
func vhd(im *image) *Layer {
	b := im.at(0, sector)
	if b == nil || string(b[:8]) != "conectix" {
		if b = im.at(im.size-sector, sector); b == nil || string(b[:8]) != "conectix" {
			return nil
		}
	}
	l := im.layer("vhd", 0)
	l.UUID = uuid(b[68:84])
	virtual := binary.BigEndian.Uint64(b[48:])
	l.add("virtual_size_bytes", virtual)
	types := map[uint32]string{2: "fixed", 3: "dynamic", 4: "differencing"}
	kind := types[binary.BigEndian.Uint32(b[60:])]
	l.add("type", kind)
	if start, ok := im.sectors(0); ok && kind == "fixed" && virtual <= uint64(im.size-sector) {
		l.openWith("0 %d linear IMAGE %d", virtual/sector, start)
	} else {
		l.openWith("qemu-img convert -O raw IMAGE OUT")
	}
	return l
}

func androidSparse(im *image) *Layer {
	b := im.at(0, 28)
	if b == nil || binary.LittleEndian.Uint32(b) != 0xed26ff3a {
		return nil
	}
	l := im.layer("sparse", 0)
	block, blocks := binary.LittleEndian.Uint32(b[12:]), binary.LittleEndian.Uint32(b[16:])
	l.add("block_size", uint64(block))
	l.add("virtual_size_bytes", uint64(block)*uint64(blocks))
	l.openWith("simg2img IMAGE OUT")
	return l
}
