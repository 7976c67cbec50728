package extras

import "encoding/binary"

// probeWebP reads the chunks up to the first that holds a picture (RFC 9649). The canvas is what counts. Only
// pictures of lossy coding without alpha are decoded: how much memory lossless coding takes depends on its
// tables, not on its size.
func probeWebP(b []byte) (s size) {
	canvas := false
	for i := 12; i+8 <= len(b); {
		name, length := string(b[i:i+4]), int64(binary.LittleEndian.Uint32(b[i+4:]))
		data := b[i+8:]
		switch name {
		case "VP8X":
			if len(data) < 10 {
				return size{}
			}
			s.width, s.height, canvas = 1+uint24(data[4:]), 1+uint24(data[7:]), true
		case "VP8 ":
			frame := lossySize(data)
			switch {
			case !canvas:
				return frame
			case frame.width == s.width && frame.height == s.height:
				s.cost = frame.cost
			}
			return s
		case "VP8L":
			if canvas {
				return s
			}
			return losslessSize(data)
		case "ALPH", "ANIM", "ANMF":
			return s
		}
		length += length & 1
		if length > int64(len(data)) {
			break
		}
		i += 8 + int(length)
	}
	return s
}

// lossySize reads the header of a key frame (RFC 6386, 9.1).
func lossySize(data []byte) (s size) {
	if len(data) < 10 || data[0]&1 != 0 || string(data[3:6]) != "\x9d\x01\x2a" {
		return size{}
	}
	s.width, s.height = int(binary.LittleEndian.Uint16(data[6:])&0x3fff), int(binary.LittleEndian.Uint16(data[8:])&0x3fff)
	s.cost = 2 * int64(s.width+15) * int64(s.height+15) // one and a half bytes a pixel, in units of 16 by 16
	return s
}

// losslessSize reads the header of a VP8L chunk (RFC 9649, 3.4).
func losslessSize(data []byte) size {
	if len(data) < 5 || data[0] != 0x2f {
		return size{}
	}
	bits := binary.LittleEndian.Uint32(data[1:])
	return size{width: 1 + int(bits&0x3fff), height: 1 + int(bits>>14&0x3fff)}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
