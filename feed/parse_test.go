package feed

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

const small = `<rss version="2.0"><channel><title>Blög</title><link>https://blog.example/</link>` +
	`<item><title>Größe 日本</title><guid>g</guid></item></channel></rss>`

func TestParseEncodings(t *testing.T) {
	latin := strings.ReplaceAll(small, " 日本", "")
	encode := func(b []byte, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, c := range []struct{ name, body, contentType, want string }{
		{"plain", small, "", "Größe 日本"},
		{"declared", `<?xml version="1.0" encoding="UTF-8"?>` + small, "", "Größe 日本"},
		{"byte order mark", "\ufeff" + small, "", "Größe 日本"},
		{"white space before the declaration", "\n\n<?xml version=\"1.0\"?>" + small, "", "Größe 日本"},
		{"UNICODE", `<?xml version="1.0" encoding="UNICODE"?>` + small, "", "Größe 日本"},
		{"an encoding that does not exist", `<?xml version="1.0" encoding="utf-99"?>` + small, "", "Größe 日本"},
		{"UTF-16 declared over UTF-8", `<?xml version="1.0" encoding="UTF-16"?>` + small, "", "Größe 日本"},
		{"the header is wrong", small, "text/xml; charset=iso-8859-1", "Größe 日本"},
		{"Latin 1 by the header", encode(charmap.ISO8859_1.NewEncoder().Bytes([]byte(latin))), "text/xml; charset=ISO-8859-1", "Größe"},
		{"Windows by the declaration", encode(charmap.Windows1252.NewEncoder().Bytes([]byte(`<?xml version='1.0' encoding='windows-1252'?>` + latin))), "", "Größe"},
		{"Shift JIS", encode(japanese.ShiftJIS.NewEncoder().Bytes([]byte(`<?xml version="1.0" encoding="Shift_JIS"?><rss><channel><item><title>日本</title></item></channel></rss>`))), "", "日本"},
		{"ISO 2022, which is ASCII to the eye", encode(japanese.ISO2022JP.NewEncoder().Bytes([]byte(`<?xml version="1.0" encoding="ISO-2022-JP"?><rss><channel><item><title>日本</title></item></channel></rss>`))), "", "日本"},
		{"UTF-16 with a mark", encode(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().Bytes([]byte(`<?xml version="1.0" encoding="UTF-16"?>` + small))), "", "Größe 日本"},
		{"UTF-16 without", encode(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder().Bytes([]byte(small))), "", "Größe 日本"},
		{"one broken byte", strings.Replace(small, " 日本", "\xff", 1), "", "Größe\uFFFD"},
		{"a control character", strings.Replace(small, " 日本", "\x0b", 1), "", "Größe"},
		{"a long comment first", "<!-- " + strings.Repeat("licence ", 2000) + "-->" + small, "", "Größe 日本"},
		{"a document type with entities", `<!DOCTYPE rss [<!ENTITY lol "lol"><!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(small, " 日本", "&x;", 1), "", "Größe&x;"},
		{"the wrong content type", small, "text/html", "Größe 日本"},
		{"rubbish behind the end", small + "<!-- 3 queries --> <b>Warning", "", "Größe 日本"},
	} {
		d, err := Parse([]byte(c.body), Source{URL: "https://blog.example/f.xml", ContentType: c.contentType})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(d.Items) != 1 || d.Items[0].Title != c.want {
			t.Errorf("%s: %+v, want title %q", c.name, d.Items, c.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat("<m:a>", 1_000_000)
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "the feed is empty"},
		{"blank", " \n\t", "the feed is empty"},
		{"text", "Not found", "neither XML nor JSON"},
		{"web page", "<!DOCTYPE html><html><head><title>x</title></head></html>", "this is a web page, not a feed"},
		{"web page that names its feed", `<!doctype html><html><link rel=alternate type=application/atom+xml href=/atom.xml>`, `names "/atom.xml" as its feed`},
		{"other XML", "<urlset></urlset>", "its root element is <urlset>"},
		{"JSON without items", `{"a":1}`, "without a list of items"},
		{"JSON cut off", `{"version":"https://jsonfeed.org/version/1","items":[{"id":"1"`, "the feed is broken"},
		{"JSON with null for an item", `{"version":"https://jsonfeed.org/version/1","items":[null]}`, "no entry"},
		{"JSON list", `[1]`, "neither XML nor JSON"},
		{"too deep", `<rss xmlns:m="m"><channel>` + deep, "nests more than"},
		{"cut off in a comment", `<rss><channel><!-- `, "cut off: it ends inside <channel>"},
		{"cut off in CDATA", `<rss><channel><title><![CDATA[x`, "cut off: it ends inside <title>"},
		{"cut off in a tag", `<rss><channel><item a="`, "cut off"},
		{"cut off before the end", strings.TrimSuffix(small, "</rss>"), "cut off: it ends inside <rss>"},
		{"out of step", `<rss><channel><item><title>a</item></channel></rss>`, "</item> stands where <title> is still open"},
		{"a bare bracket", `<rss><channel><title>1 < 2</title></channel></rss>`, "not written as &lt;"},
		{"two many elements", "<rss><channel>" + strings.Repeat("<a/>", maxElements) + "</channel></rss>", "more than 400000 elements"},
	} {
		_, err := Parse([]byte(c.body), Source{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestParseBounds(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<rss><channel><item><title>Long</title><description><![CDATA[`)
	b.WriteString(strings.Repeat("<b>ä</b>", 400_000))
	b.WriteString(`]]></description></item></channel></rss>`)
	d, err := Parse([]byte(b.String()), Source{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(d.Items[0].Summary); n > maxText || n < maxText-10 || !utf8.ValidString(d.Items[0].Summary) {
		t.Errorf("an entry of %d bytes was kept", n)
	}
}

func TestUnusualPrefixes(t *testing.T) {
	d, err := Parse([]byte(`<rss version="2.0" xmlns:s="http://source.scripting.com/" xmlns:m="http://search.yahoo.com/mrss/"><channel>
<item><title>a</title><s:markdown>*hi*</s:markdown><m:content url="https://x.example/p.webp"><m:description>alt &amp;amp; more</m:description></m:content></item>
<item><title>b</title><undeclared:thing/><thr:total>0</thr:total></item></channel></rss>`), Source{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Items[0].Markdown != "*hi*" || len(d.Items[0].Media) != 1 || d.Items[0].Media[0].Alt != "alt & more" || d.Items[0].Media[0].Type != "image/webp" {
		t.Errorf("got %+v", d.Items[0])
	}
}

func TestTextOf(t *testing.T) {
	for in, want := range map[string]string{
		"a<br>b<p>c</p>":                 "a b c ",
		"x<b>y</b>z":                     "xyz",
		"Vec<T> and 1 < 2":               "Vec<T> and 1 < 2",
		"a<script>no()</script>b":        "a b",
		"never <closed":                  "never <closed",
		"&eacute;&#38;":                  "é&",
		"<style>x{}</style>t<!-- c -->u": "tu",
	} {
		if got := strings.Join(strings.Fields(textOf(in)), " "); got != strings.Join(strings.Fields(want), " ") {
			t.Errorf("textOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFingerprintIgnoresMarkupAndSpace(t *testing.T) {
	a := fingerprint("A title", "<p>Some text that is <em>long</em> enough</p>")
	if b := fingerprint("a  Title", "Some text\nthat is long enough"); a == "" || a != b {
		t.Errorf("%q and %q differ", a, b)
	}
	if f := fingerprint("", "Good morning!"); f != "" {
		t.Errorf("a greeting has the fingerprint %q", f)
	}
	if fingerprint("", "今日はとても良い天気です") == "" {
		t.Error("a Japanese sentence has none")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small), "text/xml")
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>a</id><title type="html">&lt;b</title><content type="xhtml"><div/></content></entry></feed>`), "")
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1.1","items":[{"id":1,"content_text":"x","attachments":[{"url":"/a"}]}]}`), "application/json; charset=utf-16")
	f.Add([]byte(`<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item rdf:about="x"/></rdf:RDF>`), "")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		d, err := Parse(body, Source{URL: "https://blog.example/f.xml", ContentType: contentType})
		if err != nil {
			return
		}
		base := baseURL(d.Link, "https://blog.example/f.xml")
		keys := map[string]bool{}
		p := &planner{keys: keys}
		p.feed.URL, p.host = "https://blog.example/f.xml", BlogHost(d.Link, "https://blog.example/f.xml", "h.example")
		for _, s := range subjectsOf(d, p.host, base) {
			before := len(keys)
			key := p.newKey(s)
			if len(keys) != before+1 || !utf8.ValidString(key) || strings.ContainsAny(key, "~?# ") {
				t.Fatalf("key %q", key)
			}
			for _, text := range []string{s.Title, s.URL, s.GUID} {
				if !utf8.ValidString(text) {
					t.Fatalf("invalid UTF-8: %q", text)
				}
			}
			if date := s.Date(); !date.IsZero() && (date.Before(earliest) || date.After(latest)) {
				t.Fatalf("date %v", date)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	var doc strings.Builder
	doc.WriteString(`<rss><channel><link>https://blog.example/</link>`)
	for i := range 5000 {
		fmt.Fprintf(&doc, `<item><title>Entry %d</title><link>https://blog.example/%d/</link><guid>%d</guid><pubDate>%s</pubDate><description>&lt;p&gt;%s &lt;a href="/x"&gt;x&lt;/a&gt;&lt;/p&gt;</description></item>`,
			i, i, i, time.Unix(int64(1_600_000_000+i*3600), 0).UTC().Format(time.RFC1123Z), strings.Repeat("Some words. ", 30))
	}
	doc.WriteString(`</channel></rss>`)
	body := []byte(doc.String())
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(body, Source{}); err != nil {
			b.Fatal(err)
		}
	}
}
