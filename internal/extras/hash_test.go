package extras

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/buckket/go-blurhash"
)

// hashOf returns the blurhash of a picture, and fails the test if there is none.
func hashOf(t testing.TB, b []byte) string {
	t.Helper()
	hash, err := hashPicture(t.Context(), b, probe(b))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := blurhash.Components(hash); err != nil || hash == "" {
		t.Fatalf("blurhash %q: %v", hash, err)
	}
	return hash
}

// TestHash decodes blurhashes again: the quarters must have their colours.
func TestHash(t *testing.T) {
	for name, b := range map[string][]byte{
		"png": pngOf(t, quarters(300, 200)), "gif": gifOf(t, quarters(300, 200)), "jpeg": jpegOf(t, quarters(300, 200)),
		"progressive": sample(t, "progressive.jpg"), "webp": sample(t, "lossy.webp"), "webp with metadata": sample(t, "extended.webp"),
		"tiny": pngOf(t, quarters(4, 4)), "line": pngOf(t, quarters(3000, 4)),
	} {
		t.Run(name, func(t *testing.T) {
			shown, err := blurhash.Decode(hashOf(t, b), 40, 40, 1)
			if err != nil {
				t.Fatal(err)
			}
			left, right := shown.At(6, 20).(color.NRGBA), shown.At(34, 20).(color.NRGBA)
			if left.R < right.R+80 {
				t.Errorf("left %v, right %v", left, right)
			}
		})
	}
}

// TestHashUpright turns one picture in all eight ways and back: the hash is always that of the first.
func TestHashUpright(t *testing.T) {
	upright := quarters(60, 40)
	want := thumbnail(upright, 1)
	for o := 1; o <= 8; o++ {
		stored := kept(upright, o)
		got := thumbnail(stored, o)
		if !bytes.Equal(got.Pix, want.Pix) || got.Bounds() != want.Bounds() {
			t.Errorf("orientation %d does not come out upright", o)
		}
	}
}

// kept writes a picture down in the way that an orientation says, by what EXIF says of the two sides: which
// side of the shown picture the stored first row and first column are.
func kept(shown *image.RGBA, orientation int) *image.RGBA {
	rowIs := []string{"top", "top", "bottom", "bottom", "left", "right", "right", "left"}[orientation-1]
	columnIs := []string{"left", "right", "right", "left", "top", "top", "bottom", "bottom"}[orientation-1]
	w, h := shown.Bounds().Dx(), shown.Bounds().Dy()
	sw, sh := w, h
	if orientation >= 5 {
		sw, sh = h, w
	}
	stored := image.NewRGBA(image.Rect(0, 0, sw, sh))
	for row := range sh {
		for column := range sw {
			x, y := 0, 0
			for _, p := range []struct {
				side string
				n    int
			}{{rowIs, row}, {columnIs, column}} {
				switch p.side {
				case "top":
					y = p.n
				case "bottom":
					y = h - 1 - p.n
				case "left":
					x = p.n
				case "right":
					x = w - 1 - p.n
				}
			}
			stored.SetRGBA(column, row, shown.RGBAAt(x, y))
		}
	}
	return stored
}

func TestHashOfTransparent(t *testing.T) {
	clear := thumbnail(image.NewNRGBA(image.Rect(0, 0, 100, 100)), 1)
	if got := clear.RGBAAt(5, 5); got != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("what lets the page shine through is shown as %v", got)
	}
}

// The corner of a picture need not be at 0, 0.
func TestThumbnailOfPart(t *testing.T) {
	whole := quarters(200, 100)
	part := whole.SubImage(image.Rect(100, 50, 200, 100))
	if got := thumbnail(part, 1).RGBAAt(1, 1); got != whole.RGBAAt(102, 51) {
		t.Errorf("got %v", got)
	}
}

func TestHashRefuses(t *testing.T) {
	small := pngOf(t, quarters(30, 20))
	for name, c := range map[string]struct {
		data []byte
		f    found
	}{
		"another size than was judged": {small, found{kind: "image/png", width: 20, height: 31, orientation: 1, cost: 1}},
		"cut off":                      {small[:60], probe(small)},
		"another kind":                 {small, found{kind: "image/gif", width: 30, height: 20, orientation: 1, cost: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			if hash, err := hashPicture(t.Context(), c.data, c.f); err == nil || hash != "" {
				t.Errorf("got %q, %v", hash, err)
			}
		})
	}
}

// A decoder that is at work when the time is over stops at its next bytes.
func TestHashInTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := jpegOf(t, quarters(300, 200))
	if _, err := hashPicture(ctx, b, probe(b)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// noise is a picture that packs badly, as photos do.
func noise(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	n := uint32(1)
	for i := range m.Pix {
		n = n*1664525 + 1013904223
		m.Pix[i] = uint8(127+60*math.Sin(float64(i)/5000)) + uint8(n>>29)
	}
	return m
}

// TestMemory compares what decoding takes with what was thought that it takes.
func TestMemory(t *testing.T) {
	for name, b := range map[string][]byte{
		"png": pngOf(t, quarters(600, 400)), "jpeg": jpegOf(t, quarters(600, 400)),
	} {
		t.Run(name, func(t *testing.T) {
			f := probe(b)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			hashOf(t, b)
			runtime.ReadMemStats(&after)
			const tables = 600 << 10 // of the decoder, and the samples for the hash
			if got := int64(after.TotalAlloc - before.TotalAlloc); got > f.cost+tables || got < f.cost {
				t.Errorf("took %d kB, thought it were %d", got>>10, f.cost>>10)
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	photo := func(w, h int) []byte {
		var buf bytes.Buffer
		if err := jpeg.Encode(&buf, noise(w, h), &jpeg.Options{Quality: 85}); err != nil {
			b.Fatal(err)
		}
		return buf.Bytes()
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"jpeg-8MP", photo(3264, 2448)}, {"jpeg-2MP", photo(1600, 1200)}, {"png-8MP", pngOf(b, noise(3840, 2160))},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.data)))
			b.ReportAllocs()
			for b.Loop() {
				hashOf(b, c.data)
			}
		})
	}
}

func BenchmarkProbe(b *testing.B) {
	data := withOrientation(jpegOf(b, quarters(96, 64)), 6)
	b.ReportAllocs()
	for b.Loop() {
		if f := probe(data); f.width != 64 {
			b.Fatal(f)
		}
	}
}

// A bomb is judged by its header alone.
func TestBombCostsNothing(t *testing.T) {
	bomb := append(bombPNG(100_000, 100_000), strings.Repeat("x", 10_000)...)
	if n := testing.AllocsPerRun(10, func() {
		if f := probe(bomb); !f.unfit() {
			t.Fatalf("%+v", f)
		}
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
