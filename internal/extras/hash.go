package extras

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"runtime"
	"time"

	"github.com/buckket/go-blurhash"
	"golang.org/x/image/webp"
)

const (
	maxDecode     = 34 << 20  // bytes of memory for one picture
	maxGarbage    = 8 << 20   // of what is left of a decoded picture; more is collected before the next one is decoded
	maxHashPixels = 8_294_400 // 3840×2160
	decodeTimeout = 3 * time.Second
	hashSide      = 64 // samples a side; a blurhash shows no more than such a picture has
	hashX, hashY  = 4, 3
)

// blurhash returns the blurhash (blurha.sh) of a whole picture, empty where decoding it would take too much
// memory or time.
func (w *Worker) blurhash(ctx context.Context, b []byte, f found) string {
	if f.cost == 0 || f.cost > maxDecode || int64(f.width)*int64(f.height) > maxHashPixels {
		return ""
	}
	select {
	case <-ctx.Done():
		return ""
	case w.decode <- struct{}{}:
	}
	defer func() {
		if f.cost > maxGarbage {
			runtime.GC()
		}
		<-w.decode
	}()
	ctx, cancel := context.WithTimeout(ctx, decodeTimeout)
	defer cancel()
	hash, err := hashPicture(ctx, b, f)
	if err != nil {
		w.log.Debug("picture cannot be decoded", "type", f.kind, "err", err)
	}
	return hash
}

// hashPicture decodes a picture and computes its blurhash. A panic of a decoder is an error.
func hashPicture(ctx context.Context, b []byte, f found) (hash string, err error) {
	defer func() {
		if p := recover(); p != nil {
			hash, err = "", fmt.Errorf("decoder panics: %v", p)
		}
	}()
	config, decode := decoder(f.kind)
	if decode == nil {
		return "", nil
	}
	c, err := config(bytes.NewReader(b))
	if err != nil {
		return "", err
	}
	// The decoder goes by what it reads itself: it must not see another size than the one that was judged.
	if c.Width*c.Height != f.width*f.height || max(c.Width, c.Height) != max(f.width, f.height) {
		return "", fmt.Errorf("header says %d×%d to one and %d×%d to the other", c.Width, c.Height, f.width, f.height)
	}
	img, err := decode(&timed{ctx: ctx, r: bytes.NewReader(b)})
	if err != nil {
		return "", err
	}
	return blurhash.Encode(hashX, hashY, thumbnail(img, f.orientation))
}

func decoder(kind string) (func(io.Reader) (image.Config, error), func(io.Reader) (image.Image, error)) {
	switch kind {
	case "image/jpeg":
		return jpeg.DecodeConfig, jpeg.Decode
	case "image/png":
		return png.DecodeConfig, png.Decode
	case "image/gif":
		return gif.DecodeConfig, gif.Decode
	case "image/webp":
		return webp.DecodeConfig, webp.Decode
	}
	return nil, nil
}

// timed is a reader that fails once ctx is done. Decoders know no deadline, and a progressive picture of a few
// megabytes can keep one busy for minutes. It has only Read, so that they take their bytes in small portions.
type timed struct {
	ctx context.Context
	r   io.Reader
}

func (t *timed) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.r.Read(p)
}

// thumbnail takes samples of a picture, upright and on white. It is square, since a blurhash knows no shape, and
// its cosines fit badly to a picture of a few pixels.
func thumbnail(img image.Image, orientation int) *image.RGBA {
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	if orientation >= 5 {
		w, h = h, w
	}
	small := image.NewRGBA(image.Rect(0, 0, hashSide, hashSide))
	for y := range hashSide {
		for x := range hashSide {
			rx, ry := turn((2*x+1)*w/(2*hashSide), (2*y+1)*h/(2*hashSide), b.Size(), orientation)
			r, g, bl, a := img.At(b.Min.X+rx, b.Min.Y+ry).RGBA()
			white := 0xffff - a
			small.SetRGBA(x, y, color.RGBA{uint8((r + white) >> 8), uint8((g + white) >> 8), uint8((bl + white) >> 8), 0xff})
		}
	}
	return small
}

// turn returns where a point of the upright picture lies in the stored one, which is of the given size (EXIF
// 2.32, 4.6.4, Orientation).
func turn(x, y int, stored image.Point, orientation int) (int, int) {
	right, bottom := stored.X-1, stored.Y-1
	switch orientation {
	case 2:
		return right - x, y
	case 3:
		return right - x, bottom - y
	case 4:
		return x, bottom - y
	case 5:
		return y, x
	case 6:
		return y, bottom - x
	case 7:
		return right - y, bottom - x
	case 8:
		return right - y, x
	}
	return x, y
}
