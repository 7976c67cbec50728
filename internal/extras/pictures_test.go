package extras

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

// quarters returns a picture whose quarters have different colours, so that it shows how it is turned.
func quarters(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{30, 40, 220, 255}
			if 2*x < w {
				c.R = 220
			}
			if 2*y < h {
				c.G = 200
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gifOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample returns a picture of testdata: 96×64, made for these tests by an encoder that the standard library lacks.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tiff returns an EXIF structure that says nothing but how a picture is turned.
func tiff(order binary.AppendByteOrder, orientation uint16) []byte {
	mark := "II"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		mark = "MM"
	}
	b := order.AppendUint16([]byte(mark), 42)
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	return order.AppendUint16(b, 0)
}

// segment puts a segment behind the first marker of a JPEG.
func segment(picture []byte, marker byte, data []byte) []byte {
	b := append([]byte{}, picture[:2]...)
	b = append(b, 0xff, marker)
	b = binary.BigEndian.AppendUint16(b, uint16(2+len(data)))
	b = append(b, data...)
	return append(b, picture[2:]...)
}

func withOrientation(picture []byte, orientation uint16) []byte {
	return segment(picture, 0xe1, append([]byte("Exif\x00\x00"), tiff(binary.BigEndian, orientation)...))
}

// bombPNG is a small file that says it is a picture of w×h.
func bombPNG(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = binary.BigEndian.AppendUint32(head, h)
	head = append(head, 8, 6, 0, 0, 0)
	b := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), 13)
	b = binary.BigEndian.AppendUint32(append(b, head...), crc32.ChecksumIEEE(head))
	return append(b, "\x00\x00\x00\x20IDATx\x9c and then nothing that unpacks"...)
}

// box returns a box of ISO/IEC 14496-12.
func box(name string, data ...[]byte) []byte {
	all := bytes.Join(data, nil)
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(all)))
	return append(append(b, name...), all...)
}

func ispe(w, h uint32) []byte {
	return box("ispe", make([]byte, 4), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h))
}

// heic is a picture as telephones make them: of tiles, with a small copy, turned.
func heic(brands string, turns byte) []byte {
	properties := box("ipco", ispe(512, 512), ispe(4032, 3024), box("irot", []byte{turns}), ispe(320, 240))
	return append(box("ftyp", []byte(brands)), box("meta", make([]byte, 4), box("hdlr", make([]byte, 24)), box("iprp", properties))...)
}

// bmp is the header of a bitmap of 70×50 whose lines stand from top to bottom.
func bmp() []byte {
	b := append([]byte("BM"), make([]byte, 12)...)
	b = binary.LittleEndian.AppendUint32(b, 40)
	b = binary.LittleEndian.AppendUint32(b, 70)
	b = binary.LittleEndian.AppendUint32(b, ^uint32(50)+1)
	return append(b, make([]byte, 28)...)
}
