package extras

import "encoding/binary"

// boxKind tells AVIF and HEIC by their brands (ISO/IEC 14496-12, 4.3; 23008-12, 10; AVIF 1.1, section 6).
func boxKind(b []byte) string {
	name, data, _, ok := nextBox(b)
	if !ok || name != "ftyp" || len(data) < 8 {
		return ""
	}
	general := false
	for i := 0; i+4 <= len(data); i += 4 {
		if i == 4 {
			continue // the version of the first brand
		}
		switch string(data[i : i+4]) {
		case "avif", "avis":
			return "image/avif"
		case "heic", "heix", "heim", "heis":
			return "image/heic"
		case "mif1", "msf1":
			general = true
		}
	}
	if general {
		return "image/heif"
	}
	return ""
}

// probeBoxes finds the size in the item properties (ISO/IEC 23008-12, 6.5.3 and 6.5.10). A picture may be put
// together from tiles and may bring a small copy; the largest size is that of the whole.
func probeBoxes(b []byte) (s size) {
	meta := insideBox(b, "meta")
	if len(meta) < 4 {
		return size{}
	}
	turned := false
	properties := insideBox(insideBox(meta[4:], "iprp"), "ipco")
	for {
		name, data, rest, ok := nextBox(properties)
		if !ok {
			break
		}
		properties = rest
		switch {
		case name == "ispe" && len(data) >= 12:
			one := size{width: pixels(binary.BigEndian.Uint32(data[4:])), height: pixels(binary.BigEndian.Uint32(data[8:]))}
			if one.width > 0 && one.height > 0 && one.area() > s.area() {
				s = one
			}
		case name == "irot" && len(data) >= 1:
			turned = data[0]&1 == 1
		}
	}
	if turned {
		s.width, s.height = s.height, s.width
	}
	return s
}

// insideBox returns what the first box of that name holds, as far as it is there.
func insideBox(b []byte, want string) []byte {
	for {
		name, data, rest, ok := nextBox(b)
		if !ok || name == want {
			return data
		}
		b = rest
	}
}

// nextBox takes a box apart (ISO/IEC 14496-12, 4.2). Its data may be cut off where b is.
func nextBox(b []byte) (name string, data, rest []byte, ok bool) {
	if len(b) < 8 {
		return "", nil, nil, false
	}
	length, header := uint64(binary.BigEndian.Uint32(b)), uint64(8)
	switch length {
	case 0: // up to the end
		length = uint64(len(b))
	case 1:
		if len(b) < 16 {
			return "", nil, nil, false
		}
		length, header = binary.BigEndian.Uint64(b[8:]), 16
	}
	if length < header {
		return "", nil, nil, false
	}
	end := min(length, uint64(len(b)))
	return string(b[4:8]), b[header:end], b[end:], true
}
