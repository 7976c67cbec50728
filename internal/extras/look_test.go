package extras

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crier/content"
)

const pic = "https://pics.example/a.png"

// inBubble is a subtest whose time passes at once.
func inBubble(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func TestLook(t *testing.T) {
	small := pngOf(t, quarters(30, 20))
	page := htmlPage(`<html lang="nl"><meta property="og:image" content="/cover.jpg"><meta property="og:image:alt" content="Cover">`)
	cover := jpegOf(t, quarters(120, 63))
	for name, c := range map[string]struct {
		entry   content.Entry
		options content.Options
		answers map[string]answer
		want    content.Extras
		asked   []string
	}{
		"nothing to learn": {entry: inText(), options: full()},
		"a picture in the text": {
			entry: inText(pic), options: full(), answers: map[string]answer{pic: rawAnswer(small)},
			want:  content.Extras{Pictures: map[string]content.Picture{pic: {Type: "image/png", Width: 30, Height: 20, Blurhash: "some"}}},
			asked: []string{pic},
		},
		"the header's type does not count": {
			entry: inText(pic), options: full(), answers: map[string]answer{pic: {header: http.Header{"Content-Type": {"text/html"}}, body: cover}},
			want:  content.Extras{Pictures: map[string]content.Picture{pic: {Type: "image/jpeg", Width: 120, Height: 63, Blurhash: "some"}}},
			asked: []string{pic},
		},
		"a picture that is not shown": {entry: inText(pic), options: content.Options{Mode: content.ModeFull, Pictures: content.PicturesCard}},
		"sound":                       {entry: content.Entry{URL: "https://blog.example/post", Language: "en", Media: []content.Media{{URL: "https://pics.example/a.mp3", Type: "audio/mpeg"}}}},
		"the language of the page": {
			entry: content.Entry{URL: "https://blog.example/post", Title: "Een bericht"}, answers: map[string]answer{"https://blog.example/post": page},
			want:  content.Extras{Language: "nl", Image: &content.Media{URL: "https://blog.example/cover.jpg", Alt: "Cover"}},
			asked: []string{"https://blog.example/post"},
		},
		"the language of the header": {
			entry:   content.Entry{URL: "https://blog.example/post", Title: "Een bericht"},
			answers: map[string]answer{"https://blog.example/post": {header: http.Header{"Content-Type": {"text/html"}, "Content-Language": {"nl"}}, body: []byte("<title>x</title>")}},
			want:    content.Extras{Language: "nl"},
			asked:   []string{"https://blog.example/post"},
		},
		"a language is configured": {entry: content.Entry{URL: "https://blog.example/post", Title: "T"}, options: content.Options{Language: "da"},
			asked: []string{"https://blog.example/post"}}, // what the page says comes before it
		"a page that is none": {
			entry: content.Entry{URL: "https://blog.example/post.pdf", Title: "T"}, answers: map[string]answer{"https://blog.example/post.pdf": {body: []byte("%PDF")}},
			asked: []string{"https://blog.example/post.pdf"},
		},
		"the picture of the page": {
			entry: inText(), options: content.Options{Mode: content.ModeFull, PageImage: true},
			answers: map[string]answer{"https://blog.example/post": page, "https://blog.example/cover.jpg": rawAnswer(cover)},
			want: content.Extras{
				Language: "nl", Image: &content.Media{URL: "https://blog.example/cover.jpg", Alt: "Cover"},
				Pictures: map[string]content.Picture{"https://blog.example/cover.jpg": {Type: "image/jpeg", Width: 120, Height: 63, Blurhash: "some"}},
			},
			asked: []string{"https://blog.example/post", "https://blog.example/cover.jpg"},
		},
		"the picture of the page in place of an unfit one": {
			entry: inText(pic), options: content.Options{Mode: content.ModeFull, PageImage: true},
			answers: map[string]answer{"https://blog.example/post": page, "https://blog.example/cover.jpg": rawAnswer(cover)},
			want: content.Extras{
				Language: "nl", Image: &content.Media{URL: "https://blog.example/cover.jpg", Alt: "Cover"},
				Pictures: map[string]content.Picture{pic: {Unfit: true}, "https://blog.example/cover.jpg": {Type: "image/jpeg", Width: 120, Height: 63, Blurhash: "some"}},
			},
			asked: []string{pic, pic, "https://blog.example/post", "https://blog.example/cover.jpg"},
		},
		"the picture of the page where there is one in the text": {
			entry: inText(pic), options: content.Options{Mode: content.ModeFull, PageImage: true}, answers: map[string]answer{pic: rawAnswer(small)},
			want:  content.Extras{Pictures: map[string]content.Picture{pic: {Type: "image/png", Width: 30, Height: 20, Blurhash: "some"}}},
			asked: []string{pic},
		},
		"another picture in place of an unfit one": {
			entry: inText(pic, "https://pics.example/b.png", "https://pics.example/c.png"), options: content.Options{Mode: content.ModeFull, MaxPictures: 1},
			answers: map[string]answer{pic: htmlPage("gone"), "https://pics.example/c.png": rawAnswer(small)},
			want: content.Extras{Pictures: map[string]content.Picture{
				pic: {Unfit: true}, "https://pics.example/b.png": {Unfit: true}, "https://pics.example/c.png": {Type: "image/png", Width: 30, Height: 20, Blurhash: "some"},
			}},
			asked: []string{pic, "https://pics.example/b.png", "https://pics.example/b.png", "https://pics.example/c.png"},
		},
	} {
		inBubble(t, name, func(t *testing.T) {
			wd := newWorld(t, c.options)
			wd.web.answers = c.answers
			got := wd.w.Look(t.Context(), blog, c.entry)
			someHash := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Blurhash" },
				cmp.Comparer(func(a, b string) bool { return (a == "") == (b == "") }))
			if diff := cmp.Diff(c.want, got, someHash, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(c.asked, wd.web.asked); diff != "" {
				t.Error("asked for:", diff)
			}
			if len(c.asked) > 0 && wd.web.last.Get("User-Agent") != "crier/test" {
				t.Errorf("asked as %q", wd.web.last.Get("User-Agent"))
			}
		})
	}
}

func TestPictureAnswers(t *testing.T) {
	small := pngOf(t, quarters(30, 20))
	fit := &content.Picture{Type: "image/png", Width: 30, Height: 20}
	unfit := &content.Picture{Unfit: true}
	large := append(bytes.Clone(small), make([]byte, headBytes)...)
	redirect := func(to string) answer {
		return answer{status: http.StatusFound, header: http.Header{"Location": {to}}}
	}
	for name, c := range map[string]struct {
		answer answer
		want   *content.Picture // its blurhash apart; nil: nothing is learnt
		hash   bool
		read   int // bytes at most; 0: any number
	}{
		"there":          {answer: rawAnswer(small), want: fit, hash: true},
		"not there":      {answer: answer{status: 404, body: small}, want: unfit},
		"gone":           {answer: answer{status: 410}, want: unfit},
		"not for us":     {answer: answer{status: 403}}, // but perhaps for others
		"with a login":   {answer: answer{status: 401}},
		"broken server":  {answer: answer{status: 503}},
		"too often":      {answer: answer{status: 429}},
		"no content":     {answer: answer{status: 204}},
		"moved":          {answer: redirect(pic + "?2"), want: fit, hash: true},
		"in circles":     {answer: redirect(pic)},
		"no picture":     {answer: htmlPage("<h1>Not found</h1>"), want: unfit},
		"empty":          {answer: rawAnswer(nil), want: unfit},
		"vector drawing": {answer: rawAnswer([]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)), want: unfit},
		"a bomb":         {answer: rawAnswer(bombPNG(100_000, 100_000)), want: &content.Picture{Type: "image/png", Width: 100_000, Height: 100_000, Unfit: true}},
		"too many bytes": {answer: rawAnswer(append(bytes.Clone(small), make([]byte, maxPicture)...)), want: unfit, read: 1},
		"more than its head, of known length": {
			answer: rawAnswer(large), want: fit, hash: true,
		},
		"more than its head, of unknown length": {
			answer: answer{stream: func(context.Context) io.Reader { return bytes.NewReader(large) }}, want: fit, hash: true,
		},
		"too large to be kept": {answer: rawAnswer(append(bytes.Clone(small), make([]byte, maxHashed)...)), want: fit, read: headBytes},
		"too large to be kept, of unknown length": {
			answer: answer{stream: func(context.Context) io.Reader {
				return bytes.NewReader(append(bytes.Clone(small), make([]byte, maxHashed)...))
			}}, want: fit,
		},
		"without end": {
			answer: answer{stream: endlessly(small, 1<<20, 0)}, want: &content.Picture{Type: "image/png", Width: 30, Height: 20, Unfit: true}, read: maxPicture + 1,
		},
		"without end, of a kind that is not decoded": {
			answer: answer{stream: endlessly(sample(t, "small.avif"), 1<<20, 0)}, want: &content.Picture{Type: "image/avif", Width: 96, Height: 64, Unfit: true}, read: maxPicture + 1,
		},
		"page without end": {answer: answer{stream: endlessly([]byte("<html>"), 1<<20, 0)}, want: unfit, read: headBytes},
	} {
		inBubble(t, name, func(t *testing.T) {
			wd := newWorld(t, full())
			wd.web.answers = map[string]answer{pic: c.answer, pic + "?2": rawAnswer(small)}
			got := wd.w.picture(t.Context(), wd.w.client, pic)
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(content.Picture{}, "Blurhash")); diff != "" {
				t.Error(diff)
			}
			if got != nil && (got.Blurhash != "") != c.hash {
				t.Errorf("blurhash %q", got.Blurhash)
			}
			if c.read > 0 && wd.web.read > c.read {
				t.Errorf("read %d bytes", wd.web.read)
			}
			if n := wd.web.times(pic); n > redirects+1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// TestPutUpLater: the pictures of a blog may follow the feed by a few seconds.
func TestPutUpLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		time.AfterFunc(again-time.Second, func() {
			wd.web.mu.Lock()
			defer wd.web.mu.Unlock()
			wd.web.answers[pic] = rawAnswer(pngOf(t, quarters(30, 20)))
		})
		if x := wd.w.Look(t.Context(), blog, inText(pic)); x.Pictures[pic].Unfit || x.Pictures[pic].Width != 30 {
			t.Errorf("got %+v", x)
		}
		wd.web.answers[pic] = answer{status: 404}
		start := time.Now()
		if x := wd.w.Look(t.Context(), blog, inText(pic)); !x.Pictures[pic].Unfit || time.Since(start) != again {
			t.Errorf("after %v: %+v", time.Since(start), x)
		}
	})
}

// TestSlow looks at an entry whose pictures come slowly or not at all. What was learnt by the deadline counts.
func TestSlow(t *testing.T) {
	small := pngOf(t, quarters(30, 20))
	for name, c := range map[string]struct {
		slow answer
		took time.Duration
		want content.Picture
	}{
		"no answer":          {slow: answer{wait: time.Hour, body: small}, took: pictureTimeout},
		"late answer":        {slow: answer{wait: 4 * time.Second, body: small}, took: 4 * time.Second, want: content.Picture{Type: "image/png", Width: 30, Height: 20}},
		"drop by drop":       {slow: answer{stream: endlessly(small, 1, time.Second)}, took: pictureTimeout, want: content.Picture{Type: "image/png", Width: 30, Height: 20}},
		"nothing to see":     {slow: answer{stream: endlessly(small[:9], 1, 3*time.Second)}, took: pictureTimeout},
		"no picture, slowly": {slow: answer{stream: endlessly([]byte("<!DOCTYPE html><p>"), 1, time.Second)}, took: pictureTimeout, want: content.Picture{Unfit: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wd := newWorld(t, full())
				wd.web.answers = map[string]answer{pic: c.slow, "https://pics.example/b.png": rawAnswer(small)}
				start := time.Now()
				x := wd.w.Look(t.Context(), blog, inText(pic, "https://pics.example/b.png"))
				if took := time.Since(start); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				got := x.Pictures[pic]
				got.Blurhash = ""
				if got != c.want {
					t.Errorf("slow picture: %+v, want %+v", got, c.want)
				}
				if x.Pictures["https://pics.example/b.png"].Blurhash == "" {
					t.Errorf("the other picture: %+v", x.Pictures)
				}
			})
		})
	}
}

// Page and pictures together keep within the deadline of an entry, and not more than two pictures are asked for
// at the same time.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, content.Options{Mode: content.ModeFull, MaxPictures: 8})
		e := inText(picturesOf(8)...)
		e.Language = ""
		wd.web.answers[e.URL] = answer{wait: time.Hour}
		for i, p := range picturesOf(8) {
			wd.web.answers[p] = answer{wait: 4 * time.Second, body: pngOf(t, quarters(30+i, 20))}
		}
		start := time.Now()
		x := wd.w.Look(t.Context(), blog, e)
		if took := time.Since(start); took != entryTimeout {
			t.Errorf("took %v", took)
		}
		if len(x.Pictures) != 4 { // in the ten seconds that the page left
			t.Errorf("got %d pictures", len(x.Pictures))
		}
		if wd.web.most != picturesAtOnce {
			t.Errorf("%d at the same time", wd.web.most)
		}
	})
}

// A host that has not answered twice is left alone, and asked again later.
func TestResting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wd := newWorld(t, full())
		wd.web.answers[pic] = answer{wait: time.Hour}
		ask := func() time.Duration {
			start := time.Now()
			wd.w.Look(t.Context(), blog, inText(pic))
			return time.Since(start)
		}
		for i, want := range []time.Duration{pictureTimeout, pictureTimeout, 0, 0} {
			if got := ask(); got != want {
				t.Errorf("look %d took %v, want %v", i, got, want)
			}
		}
		time.Sleep(rest)
		wd.web.answers[pic] = rawAnswer(pngOf(t, quarters(30, 20)))
		for range 2 {
			if x := wd.w.Look(t.Context(), blog, inText(pic)); x.Pictures[pic].Width != 30 {
				t.Errorf("got %+v", x)
			}
		}
	})
}

func TestHostsAreFew(t *testing.T) {
	h := newHosts()
	now := time.Now()
	for i := range 3 * maxHosts {
		h.count(string(rune('a'+i)), true, now, now.Add(slow))
	}
	if len(h.m) > maxHosts {
		t.Errorf("%d hosts are remembered", len(h.m))
	}
	h.count("mixed", true, now, now.Add(slow))
	h.count("mixed", false, now, now.Add(slow))
	h.count("mixed", true, now, now.Add(slow))
	if h.resting("mixed", now) {
		t.Error("an answer in between makes good")
	}
	h.count("quick", true, now, now.Add(time.Second))
	h.count("quick", true, now, now.Add(time.Second))
	if h.resting("quick", now) {
		t.Error("a refusal that came at once costs nothing and counts for nothing")
	}
}
