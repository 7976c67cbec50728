package extras

import (
	"bytes"
	"encoding/binary"
)

// Markers of a JPEG file (ITU-T T.81, table B.1).
const (
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended
	markerSOF2  = 0xc2 // progressive
	markerSOS   = 0xda
	markerAPP1  = 0xe1
	markerAPP14 = 0xee
)

// probeJPEG reads the segments before the picture itself: its size, what decoding it takes, and how it is
// turned. It goes no further than segments follow each other without anything between them, so that no decoder
// can take another segment for the header.
func probeJPEG(b []byte) (s size, orientation int) {
	orientation = 1
	var f frame
	for i := 2; i+4 <= len(b); {
		marker, length := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if b[i] != 0xff || marker < markerSOF0 || length < 2 || i+2+length > len(b) {
			break
		}
		data := b[i+4 : i+2+length]
		switch {
		case marker == markerSOS:
			s.cost = f.cost()
			return s, orientation
		case marker == markerSOF0, marker == markerSOF1, marker == markerSOF2:
			if f.read(data, marker == markerSOF2) {
				s.width, s.height = f.width, f.height
			}
		case marker == markerAPP1 && bytes.HasPrefix(data, []byte("Exif\x00\x00")) && orientation == 1:
			orientation = exifOrientation(data[6:])
		case marker == markerAPP14 && bytes.HasPrefix(data, []byte("Adobe")):
			f.otherColours = len(data) >= 12 && data[11] == 0
		}
		i += 2 + length
	}
	return s, orientation
}

// frame is a frame header (T.81, B.2.2).
type frame struct {
	width, height int
	progressive   bool
	otherColours  bool // red, green, blue: the decoder makes a second picture of the first
	sampling      []byte
}

// read reads a header; false says that it is none, or not the first.
func (f *frame) read(data []byte, progressive bool) bool {
	if len(data) < 6 || f.sampling != nil {
		f.sampling = []byte{} // no cost is known
		return false
	}
	f.progressive, f.sampling = progressive, []byte{}
	f.height, f.width = int(binary.BigEndian.Uint16(data[1:])), int(binary.BigEndian.Uint16(data[3:]))
	n := int(data[5])
	if n > 4 || len(data) != 6+3*n || data[0] != 8 {
		return true
	}
	for i := range n {
		f.sampling = append(f.sampling, data[7+3*i])
	}
	f.otherColours = f.otherColours || n == 4 || n == 3 && data[6] == 'R'
	return true
}

// cost returns the memory that decoding takes, 0 where that is not known: that of the samples, which are padded
// to whole units; a progressive picture keeps 4 bytes more for each until all its scans are read.
func (f *frame) cost() int64 {
	var hMax, vMax, samples int64
	for _, s := range f.sampling {
		h, v := int64(s>>4), int64(s&15)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return 0
		}
		hMax, vMax, samples = max(hMax, h), max(vMax, v), samples+h*v
	}
	if samples == 0 {
		return 0
	}
	units := ((int64(f.width) + 8*hMax - 1) / (8 * hMax)) * ((int64(f.height) + 8*vMax - 1) / (8 * vMax))
	cost := units * samples * 64
	if f.progressive {
		cost *= 5
	}
	if f.otherColours {
		cost += 4 * units * hMax * vMax * 64
	}
	return cost
}

// exifOrientation reads how a picture is turned (EXIF 2.32, 4.6.4, tag 0x0112) from the TIFF structure of its
// EXIF segment: 1 to 8, 1 where it does not say.
func exifOrientation(b []byte) int {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(b, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(b, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 1
	}
	if len(b) < 8 {
		return 1
	}
	start := int64(order.Uint32(b[4:]))
	if start+2 > int64(len(b)) {
		return 1
	}
	b = b[start:]
	fields := int(order.Uint16(b))
	for i := 2; fields > 0 && i+12 <= len(b); fields, i = fields-1, i+12 {
		const short = 3
		if order.Uint16(b[i:]) != 0x0112 || order.Uint16(b[i+2:]) != short {
			continue
		}
		if o := int(order.Uint16(b[i+8:])); o >= 1 && o <= 8 {
			return o
		}
	}
	return 1
}
