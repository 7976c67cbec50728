package extras

import (
	"bytes"
	"encoding/binary"
	"slices"
)

const (
	enough    = 16         // bytes from which a picture's type is known
	maxPixels = 33_177_600 // 7680×4320; Mastodon (4.3, Attachmentable::MAX_MATRIX_LIMIT) refuses more
	maxTiny   = 2          // pixels of a side: such pictures count readers and show nothing
)

// found is what the first bytes of a picture say of it.
type found struct {
	kind          string // media type; empty: it is no picture, or of a kind that servers do not show
	width, height int    // in pixels, as it is shown; 0: not known
	orientation   int    // how it is turned to be shown, as in EXIF: 1 to 8
	cost          int64  // bytes of memory that decoding takes, estimated; 0: it is not to be decoded
}

// unfit tells whether no server could show it, or no reader see anything in it.
func (f found) unfit() bool {
	if f.kind == "" || (size{width: f.width, height: f.height}).area() > maxPixels {
		return true
	}
	return f.width > 0 && f.height > 0 && min(f.width, f.height) <= maxTiny
}

// size is what a header says of a picture before it is turned.
type size struct {
	width, height int
	cost          int64
}

// probe judges a picture by its beginning, of which at least 16 bytes should be there. It decodes nothing and
// takes no memory.
func probe(b []byte) found {
	f := found{kind: kind(b), orientation: 1}
	var s size
	switch f.kind {
	case "image/jpeg":
		s, f.orientation = probeJPEG(b)
	case "image/png":
		s = probePNG(b)
	case "image/gif":
		s = probeGIF(b)
	case "image/webp":
		s = probeWebP(b)
	case "image/bmp":
		s = probeBMP(b)
	case "image/avif", "image/heic", "image/heif":
		s = probeBoxes(b)
	}
	if s.width <= 0 || s.height <= 0 {
		return f
	}
	f.width, f.height = s.width, s.height
	if s.area() <= maxPixels {
		f.cost = s.cost
	}
	if f.orientation >= 5 {
		f.width, f.height = f.height, f.width
	}
	return f
}

// kind returns the media type that the first bytes tell, whatever the server and the name say.
func kind(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return "image/gif"
	case bytes.HasPrefix(b, []byte("RIFF")) && len(b) >= 12 && string(b[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(b, []byte("BM")) && len(b) >= 18 && slices.Contains([]uint32{40, 52, 56, 64, 108, 124}, binary.LittleEndian.Uint32(b[14:])):
		return "image/bmp"
	}
	return boxKind(b)
}

// probePNG reads the first chunk, which must be the header (PNG, 11.2.1).
func probePNG(b []byte) size {
	if len(b) < 29 || binary.BigEndian.Uint32(b[8:]) != 13 || string(b[12:16]) != "IHDR" {
		return size{}
	}
	s := size{width: pixels(binary.BigEndian.Uint32(b[16:])), height: pixels(binary.BigEndian.Uint32(b[20:]))}
	perPixel := int64(4)
	if b[24] == 16 {
		perPixel = 8
	}
	if b[28] != 0 {
		perPixel *= 2 // interlaced: every pass is a picture of its own
	}
	s.cost = perPixel * s.area()
	return s
}

func probeGIF(b []byte) size {
	if len(b) < 10 {
		return size{}
	}
	s := size{width: int(binary.LittleEndian.Uint16(b[6:])), height: int(binary.LittleEndian.Uint16(b[8:]))}
	s.cost = s.area() // the first frame is all that is decoded
	return s
}

// probeBMP reads the header that all versions since Windows 3.0 begin with. A negative height says that the
// lines stand from top to bottom.
func probeBMP(b []byte) size {
	if len(b) < 26 {
		return size{}
	}
	h := int(int32(binary.LittleEndian.Uint32(b[22:])))
	return size{width: pixels(binary.LittleEndian.Uint32(b[18:])), height: max(h, -h)}
}

func (s size) area() int64 { return int64(s.width) * int64(s.height) }

// pixels returns a side that a header tells; a negative one where it is beyond what any format allows.
func pixels(n uint32) int { return int(int32(n)) }
