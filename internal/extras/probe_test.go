package extras

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"
)

func TestProbe(t *testing.T) {
	plain := jpegOf(t, quarters(96, 64))
	for name, c := range map[string]struct {
		data  []byte
		want  found // of its cost only whether there is one
		unfit bool
	}{
		"JPEG":                        {data: plain, want: found{"image/jpeg", 96, 64, 1, 1}},
		"JPEG in grey":                {data: jpegOf(t, image.NewGray(image.Rect(0, 0, 30, 20))), want: found{"image/jpeg", 30, 20, 1, 1}},
		"progressive JPEG":            {data: sample(t, "progressive.jpg"), want: found{"image/jpeg", 96, 64, 1, 1}},
		"turned JPEG of a camera":     {data: sample(t, "turned.jpg"), want: found{"image/jpeg", 64, 96, 6, 1}},
		"turned JPEG":                 {data: withOrientation(plain, 8), want: found{"image/jpeg", 64, 96, 8, 1}},
		"JPEG upside down":            {data: withOrientation(plain, 3), want: found{"image/jpeg", 96, 64, 3, 1}},
		"JPEG turned by nonsense":     {data: withOrientation(plain, 9), want: found{"image/jpeg", 96, 64, 1, 1}},
		"JPEG with a long profile":    {data: segment(segment(plain, 0xe2, make([]byte, 65000)), 0xe2, make([]byte, 65000)), want: found{"image/jpeg", 96, 64, 1, 1}},
		"JPEG that ends in its head":  {data: plain[:40], want: found{"image/jpeg", 0, 0, 1, 0}},
		"JPEG without a scan":         {data: plain[:bytes.Index(plain, []byte{0xff, 0xda})], want: found{"image/jpeg", 96, 64, 1, 0}},
		"JPEG with two sizes":         {data: segment(plain, 0xc0, []byte{8, 0, 9, 0, 9, 1, 1, 0x11, 0}), want: found{"image/jpeg", 9, 9, 1, 0}},
		"JPEG with dirt in its head":  {data: append(append(bytes.Clone(plain[:2]), 0xff, 0xe5, 0, 3, 1, 7), plain[2:]...), want: found{"image/jpeg", 0, 0, 1, 0}},
		"PNG":                         {data: pngOf(t, quarters(7, 9)), want: found{"image/png", 7, 9, 1, 1}},
		"PNG that is a bomb":          {data: bombPNG(100_000, 100_000), want: found{"image/png", 100_000, 100_000, 1, 0}, unfit: true},
		"PNG just too large":          {data: bombPNG(7681, 4320), want: found{"image/png", 7681, 4320, 1, 0}, unfit: true},
		"PNG just small enough":       {data: bombPNG(7680, 4320), want: found{"image/png", 7680, 4320, 1, 1}},
		"PNG of impossible size":      {data: bombPNG(1<<31, 5), want: found{"image/png", 0, 0, 1, 0}},
		"PNG that counts readers":     {data: pngOf(t, quarters(1, 1)), want: found{"image/png", 1, 1, 1, 1}, unfit: true},
		"GIF":                         {data: gifOf(t, quarters(33, 22)), want: found{"image/gif", 33, 22, 1, 1}},
		"WebP":                        {data: sample(t, "lossy.webp"), want: found{"image/webp", 96, 64, 1, 1}},
		"WebP with metadata":          {data: sample(t, "extended.webp"), want: found{"image/webp", 96, 64, 1, 1}},
		"WebP with alpha":             {data: sample(t, "alpha.webp"), want: found{"image/webp", 96, 64, 1, 0}},
		"lossless WebP":               {data: sample(t, "lossless.webp"), want: found{"image/webp", 96, 64, 1, 0}},
		"WebP larger than its canvas": {data: canvas(sample(t, "extended.webp"), 10, 10), want: found{"image/webp", 10, 10, 1, 0}},
		"AVIF":                        {data: sample(t, "small.avif"), want: found{"image/avif", 96, 64, 1, 0}},
		"HEIC":                        {data: heic("heic\x00\x00\x00\x00mif1heic", 0), want: found{"image/heic", 4032, 3024, 1, 0}},
		"HEIC, turned":                {data: heic("mif1\x00\x00\x00\x00mif1heic", 3), want: found{"image/heic", 3024, 4032, 1, 0}},
		"HEIF of another coding":      {data: heic("mif1\x00\x00\x00\x00mif1jpeg", 2), want: found{"image/heif", 4032, 3024, 1, 0}},
		"bitmap":                      {data: bmp(), want: found{"image/bmp", 70, 50, 1, 0}},
		"film":                        {data: box("ftyp", []byte("isom\x00\x00\x02\x00isommp41")), want: found{"", 0, 0, 1, 0}, unfit: true},
		"error page":                  {data: []byte("<!DOCTYPE html><title>Not found</title>"), want: found{"", 0, 0, 1, 0}, unfit: true},
		"SVG":                         {data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), want: found{"", 0, 0, 1, 0}, unfit: true},
		"text that begins with BM":    {data: []byte("BMW has a new car, and it is blue"), want: found{"", 0, 0, 1, 0}, unfit: true},
		"nothing":                     {want: found{"", 0, 0, 1, 0}, unfit: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := probe(c.data)
			if got.unfit() != c.unfit {
				t.Errorf("unfit: %v", got.unfit())
			}
			got.cost = min(got.cost, 1)
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// canvas writes another canvas into a WebP with metadata.
func canvas(picture []byte, w, h uint32) []byte {
	b := bytes.Clone(picture)
	i := bytes.Index(b, []byte("VP8X")) + 8
	copy(b[i+4:], []byte{byte(w - 1), 0, 0, byte(h - 1), 0, 0})
	return b
}

// TestCost compares the estimates with what the decoders are known to keep: 1.5 bytes a pixel of an ordinary
// photo, 4 more for each sample of a progressive one, 4 of a PNG.
func TestCost(t *testing.T) {
	progressive := probe(sample(t, "progressive.jpg")).cost
	if want := int64(96 * 64 * 3 / 2 * 5); progressive != want {
		t.Errorf("progressive: %d, want %d", progressive, want)
	}
	if got, want := probe(jpegOf(t, quarters(96, 64))).cost, int64(96*64*3/2); got != want {
		t.Errorf("baseline: %d, want %d", got, want)
	}
	if got, want := probe(segment(jpegOf(t, quarters(96, 64)), 0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))).cost, int64(96*64*3/2+4*96*64); got != want {
		t.Errorf("other colours: %d, want %d", got, want)
	}
	if got, want := probe(pngOf(t, quarters(96, 64))).cost, int64(96*64*4); got != want {
		t.Errorf("PNG: %d, want %d", got, want)
	}
}

func TestExifOrientation(t *testing.T) {
	for o := range uint16(12) {
		want := int(o)
		if o < 1 || o > 8 {
			want = 1
		}
		for _, order := range []binary.AppendByteOrder{binary.BigEndian, binary.LittleEndian} {
			if got := exifOrientation(tiff(order, o)); got != want {
				t.Errorf("%v %d: got %d, want %d", order, o, got, want)
			}
		}
	}
	whole := tiff(binary.LittleEndian, 6)
	for n := range len(whole) - 2 {
		if got := exifOrientation(whole[:n]); got != 1 {
			t.Errorf("the first %d bytes: got %d, want 1", n, got)
		}
	}
	far := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(far[4:], 0xfffffff0)
	if got := exifOrientation(far); got != 1 {
		t.Errorf("structure beyond the end: got %d, want 1", got)
	}
}

func FuzzProbe(f *testing.F) {
	f.Add(jpegOf(f, quarters(9, 5)))
	f.Add(withOrientation(jpegOf(f, quarters(9, 5)), 7))
	f.Add(pngOf(f, quarters(5, 9)))
	f.Add(gifOf(f, quarters(5, 9)))
	f.Add(heic("mif1\x00\x00\x00\x00mif1heic", 1))
	f.Add(bmp())
	f.Add(bombPNG(1<<31-1, 1<<31-1))
	for _, name := range []string{"lossy.webp", "extended.webp", "alpha.webp", "lossless.webp", "small.avif", "progressive.jpg", "turned.jpg"} {
		f.Add(sample(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := probe(b)
		if got.width < 0 || got.height < 0 || (got.width == 0) != (got.height == 0) || got.cost < 0 {
			t.Fatalf("%+v", got)
		}
		if got.orientation < 1 || got.orientation > 8 {
			t.Fatalf("orientation %d", got.orientation)
		}
		if !got.unfit() && got.cost > 0 && got.cost <= 1<<20 {
			_, _ = hashPicture(t.Context(), b, got) // must come back
		}
	})
}

func FuzzOrientation(f *testing.F) {
	f.Add(tiff(binary.BigEndian, 6))
	f.Add(tiff(binary.LittleEndian, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := exifOrientation(b); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
	})
}
