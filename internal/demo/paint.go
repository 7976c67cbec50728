package demo

import (
	"image"
	"image/color"
	"math"
)

// paint makes one of the sample blog's pictures: hills behind each other under a sky. It is computed, so
// that the binary carries no picture files; nil for an unknown name.
func paint(name string) image.Image {
	switch name {
	case "flats":
		return hills(scene{960, 540, color.RGBA{255, 214, 142, 255}, color.RGBA{246, 143, 96, 255}, color.RGBA{58, 62, 84, 255}, 4})
	case "fog":
		return hills(scene{960, 540, color.RGBA{226, 232, 235, 255}, color.RGBA{193, 205, 211, 255}, color.RGBA{96, 122, 134, 255}, 6})
	case "avatar":
		return hills(scene{400, 400, color.RGBA{205, 236, 232, 255}, color.RGBA{120, 196, 196, 255}, color.RGBA{15, 82, 92, 255}, 3})
	}
	return nil
}

type scene struct {
	width, height  int
	sky, far, near color.RGBA
	ridges         int
}

func hills(s scene) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, s.width, s.height))
	for x := range s.width {
		for y := range s.height {
			img.SetRGBA(x, y, s.at(x, y))
		}
	}
	return img
}

// at is the colour of one pixel: that of the nearest ridge it lies below, else the sky's.
func (s scene) at(x, y int) color.RGBA {
	fx, fy := float64(x)/float64(s.height), float64(y)/float64(s.height)
	for i := s.ridges; i > 0; i-- {
		depth := float64(i) / float64(s.ridges)
		wave := math.Sin(fx*(2.1+depth*2.3)+depth*9) + 0.45*math.Sin(fx*(5.7-depth)+depth*4)
		if fy > 0.34+depth*0.46+0.07*wave {
			return mix(s.far, s.near, depth)
		}
	}
	return mix(s.sky, s.far, fy*0.6)
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	t = max(0, min(1, t))
	f := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 255}
}
