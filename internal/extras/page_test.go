package extras

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"crier/content"
)

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestReadPage(t *testing.T) {
	picture := func(address string) *content.Media { return &content.Media{URL: address} }
	for name, c := range map[string]struct {
		html        string
		contentType string
		want        page
	}{
		"language of the html element": {html: `<!doctype html><html lang=de_at><head><meta http-equiv="Content-Language" content="en">`, want: page{Language: "de-AT"}},
		"XHTML":                        {html: `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml" xml:lang="fr">`, want: page{Language: "fr"}},
		"language of a meta element":   {html: `<html><meta http-equiv="content-language" content="pt-br">`, want: page{Language: "pt-BR"}},
		"several are the readers'":     {html: `<html><meta http-equiv="content-language" content="de, en">`},
		"language that is none":        {html: `<html lang="{{ site.lang }}"><meta http-equiv=content-language content=it>`, want: page{Language: "it"}},
		"language not known":           {html: `<html lang="und">`},
		"picture": {
			html: `<html lang=en><head><title>A < B</title><meta property="og:image" content="https://blog.example/a.jpg?x=1&amp;y=2#top">` +
				`<meta property="og:image:alt" content="Caf&eacute; &amp; bar"><meta property="og:image:width" content="1200"><meta property="og:image:height" content="630">` +
				`<meta property="og:image:type" content="image/jpeg">`,
			want: page{Language: "en", Image: &content.Media{URL: "https://blog.example/a.jpg?x=1&y=2", Type: "image/jpeg", Alt: "Café & bar", Width: 1200, Height: 630}},
		},
		"the first picture counts, with its own description": {
			html: `<meta property=og:image content=/1.png><meta property=og:image content=/2.png><meta property=og:image:alt content=second>`,
			want: page{Image: picture("https://blog.example/1.png")},
		},
		"relative to the page":      {html: `<meta property=og:image content="../cover.png">`, want: page{Image: picture("https://blog.example/2026/cover.png")}},
		"name in place of property": {html: `<META NAME="OG:Image" CONTENT="//cdn.example/a.png">`, want: page{Image: picture("https://cdn.example/a.png")}},
		"the safe address":          {html: `<meta property="og:image" content="http://b.example/a.png"><meta property="og:image:secure_url" content="https://b.example/a.png">`, want: page{Image: picture("https://b.example/a.png")}},
		"Twitter's": {
			html: `<meta name="twitter:image" content="/t.png"><meta name="twitter:image:alt" content="T">`,
			want: page{Image: &content.Media{URL: "https://blog.example/t.png", Alt: "T"}},
		},
		"og before Twitter's":                           {html: `<meta name=twitter:image content=/t.png><meta property=og:image content=/o.png>`, want: page{Image: picture("https://blog.example/o.png")}},
		"og that leads nowhere":                         {html: `<meta name=twitter:image content=/t.png><meta property=og:image content="data:image/png;base64,AAAA">`, want: page{Image: picture("https://blog.example/t.png")}},
		"no script as address":                          {html: `<meta property=og:image content="javascript:alert(1)">`},
		"no password in the address":                    {html: `<meta property=og:image content="https://me:secret@blog.example/a.png">`},
		"half a size is none":                           {html: `<meta property=og:image content=/a.png><meta property=og:image:width content=12>`, want: page{Image: picture("https://blog.example/a.png")}},
		"what the text contains is not the page's word": {html: `<html lang=en><body><meta property=og:image content=/evil.png>`, want: page{Language: "en"}},
		"tags left out":                                 {html: `<title>x</title><p>text<meta property=og:image content=/evil.png>`},
		"after the head":                                {html: `<head></head><meta property=og:image content=/evil.png>`},
		"a picture within noscript":                     {html: `<noscript><img src=/pixel></noscript><meta property=og:image content=/a.png>`, want: page{Image: picture("https://blog.example/a.png")}},
		"within a script":                               {html: `<script>"<meta property=og:image content=/evil.png>"</script>`},
		"charset of the header":                         {html: "<meta property=og:image content=/a.png><meta property=og:image:alt content='\xcf\xf0\xe8\xe2\xe5\xf2'>", contentType: "text/html; charset=windows-1251", want: page{Image: &content.Media{URL: "https://blog.example/a.png", Alt: "Привет"}}},
		"charset of the page":                           {html: "<meta charset=iso-8859-1><meta property=og:image content=/a.png><meta property=og:image:alt content='\xfcber'>", want: page{Image: &content.Media{URL: "https://blog.example/a.png", Alt: "über"}}},
		"empty":                                         {},
		"unfinished tag at the end":                     {html: `<html lang=en><meta property=og:image content="/a.p`, want: page{Language: "en"}},
		"an attribute without end":                      {html: `<html lang=en><meta content="` + strings.Repeat("x", 2*maxPage), want: page{Language: "en"}},
		"an address that is too long":                   {html: `<meta property=og:image content="/` + strings.Repeat("x", maxAddress) + `">`},
		"a language that is far to long":                {html: `<html lang="` + strings.Repeat("de-", 1000) + `">`},
	} {
		t.Run(name, func(t *testing.T) {
			kind := c.contentType
			if kind == "" {
				kind = "text/html"
			}
			got := readPage(strings.NewReader(c.html), kind, parseURL(t, "https://blog.example/2026/03/post.html"))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzReadPage(f *testing.F) {
	f.Add(`<html lang=de><meta property=og:image content=/a.png><meta property=og:image:alt content=x>`, "text/html; charset=utf-8")
	f.Add(`<meta charset=utf-16le><meta name=twitter:image content=//x/y>`, "text/html")
	f.Add("\xff\xfe<\x00h\x00t\x00m\x00l\x00>", "text/html; charset=utf-16")
	base := parseURL(f, "https://blog.example/a/b")
	f.Fuzz(func(t *testing.T, html, contentType string) {
		p := readPage(strings.NewReader(html), contentType, base)
		if p.Language != "" && languageTag(p.Language) != p.Language {
			t.Errorf("language %q is not what it becomes when it is read again: %q", p.Language, languageTag(p.Language))
		}
		if m := p.Image; m != nil {
			u, err := url.Parse(m.URL)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
				t.Errorf("picture at %q: %v", m.URL, err)
			}
			if !utf8.ValidString(m.Alt) || utf8.RuneCountInString(m.Alt) > maxAlt {
				t.Errorf("description %q", m.Alt)
			}
			if m.Width < 0 || m.Height < 0 || (m.Width == 0) != (m.Height == 0) {
				t.Errorf("size %d×%d", m.Width, m.Height)
			}
		}
	})
}
