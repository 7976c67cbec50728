package feed

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
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
		{"a document type with entities", `<!DOCTYPE rss [<!ENTITY lol "lol">]>` + strings.Replace(small, " 日本", "&lol;", 1), "", "Größe&lol;"},
		{"the document type of RSS 0.91", `<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">` + small, "", "Größe 日本"},
		{"the entity sets of HTML", `<!DOCTYPE rss [ <!-- > ]> --> <!ENTITY % HTMLlat1 PUBLIC "-//W3C//ENTITIES Latin 1 for XHTML//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml-lat1.ent"> %HTMLlat1; ]>` + strings.Replace(small, " 日本", " &eacute;", 1), "", "Größe é"},
		{"windows-1251 by the declaration", encode(charmap.Windows1251.NewEncoder().Bytes([]byte(`<?xml version="1.0" encoding="windows-1251"?><rss><channel><item><title>Привет</title></item></channel></rss>`))), "", "Привет"},
		{"GBK by the header", encode(simplifiedchinese.GBK.NewEncoder().Bytes([]byte(`<rss><channel><item><title>你好</title></item></channel></rss>`))), "application/xml; charset=gb2312", "你好"},
		{"Western and undeclared", encode(charmap.Windows1252.NewEncoder().Bytes([]byte(latin))), "text/xml", "Größe"},
		{"Western and declared as UTF-8", encode(charmap.Windows1252.NewEncoder().Bytes([]byte(`<?xml version="1.0" encoding="utf-8"?>` + latin))), "", "Größe"},
		{"ISO 2022 far behind the start", encode(japanese.ISO2022JP.NewEncoder().Bytes([]byte(`<?xml version="1.0" encoding="ISO-2022-JP"?><rss><!--` + strings.Repeat("x", 2000) + `--><channel><item><title>日本</title></item></channel></rss>`))), "", "日本"},
		{"entities that XML does not know", strings.Replace(small, " 日本", "&nbsp;&hellip;&#x1F600;", 1), "", "Größe\u00a0…😀"},
		{"escaped once too often", strings.Replace(small, " 日本", " &amp;amp; &amp;lt;b&amp;gt;mehr&amp;lt;/b&amp;gt;", 1), "", "Größe & mehr"},
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

// TestOneEntryIsCapped fills every field of an entry to the brim: all of them together stay within the limit.
func TestOneEntryIsCapped(t *testing.T) {
	long := strings.Repeat("<b>ä</b><a href=x>y</a>", 200_000)
	escaped := strings.NewReplacer("<", "&lt;", ">", "&gt;").Replace(long)
	for _, c := range []struct{ name, body string }{
		{"a description alone", `<rss><channel><item><title>Long</title><description><![CDATA[` + long + `]]></description></item></channel></rss>`},
		{"escaped", `<rss><channel><item><description>` + escaped[:9_000_000] + `</description></item></channel></rss>`},
		{"in pieces", `<rss><channel><item><description><![CDATA[` + long[:1_000_000] + `]]> <![CDATA[` + long[:1_000_000] + `]]></description></item></channel></rss>`},
		{"text and summary", `<rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item><description>` + escaped + `</description><content:encoded><![CDATA[` + long + `]]></content:encoded></item></channel></rss>`},
		{"Markdown", `<rss xmlns:s="http://source.scripting.com/"><channel><item><description>x</description><s:markdown>` + escaped + `</s:markdown></item></channel></rss>`},
		{"a title", `<rss><channel><item><title>` + escaped + `</title><guid>` + strings.Repeat("g", 2_000_000) + `</guid><link>/` + strings.Repeat("l", 2_000_000) + `</link></item></channel></rss>`},
		{"links that become long ones", `<rss><channel><link>https://blog.example/` + strings.Repeat("a/", 50) + `</link><item><description><![CDATA[` + strings.Repeat("<a href=x>", 100_000) + `]]></description></item></channel></rss>`},
		{"categories, names and pictures", `<rss xmlns:m="http://search.yahoo.com/mrss/"><channel><item>` + strings.Repeat("<category>"+strings.Repeat("c", 199)+"</category>", 1000) +
			strings.Repeat(`<m:content url="https://x.example/1.png"><m:description>`+strings.Repeat("alt ", 20_000)+`</m:description></m:content>`, 20) + `</item></channel></rss>`},
		{"JSON", `{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","content_html":"` + strings.ReplaceAll(long, "ä", `\u00e4`) + `","summary":"` + long + `"}]}`},
		{"Atom", `<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="html"><![CDATA[` + long + `]]></content><summary>` + escaped + `</summary></entry></feed>`},
	} {
		d, err := Parse([]byte(c.body), Source{URL: "https://blog.example/feed.xml"})
		if err != nil || len(d.Items) != 1 {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		it := d.Items[0]
		fields, err := json.Marshal(it.Entry)
		if err != nil {
			t.Fatal(err)
		}
		texts := len(it.Title) + len(it.Summary) + len(it.Content) + len(it.Markdown)
		rest := len(it.GUID) + len(it.Link) + len(fmt.Sprint(it.Media, it.Categories, it.Authors, it.Warning))
		if texts > maxText || rest > 100_000 || !utf8.Valid(fields) {
			t.Errorf("%s: an entry with %d bytes of text and %d bytes besides was kept", c.name, texts, rest)
		}
		cut := strings.Contains(strings.Join(d.Lint("blog.example", day1), "\n"), "longer than 1 MB")
		if long := texts > maxText/9; cut != long {
			t.Errorf("%s: the owner is told of a cut: %v, want %v", c.name, cut, long)
		}
	}
}

func TestCutJSON(t *testing.T) {
	long := strings.Repeat("ä", maxText)
	for in, want := range map[string]string{
		`{"a":"b\"c","d":"\u00e4"}`:                              `{"a":"b\"c","d":"\u00e4"}`,
		`{"a":"` + long + `","b":1}`:                             `{"a":"` + long[:maxText+2] + `","b":1}`,
		`{"a":"` + strings.Repeat("x", maxText) + `\n\u00e4yz"}`: `{"a":"` + strings.Repeat("x", maxText) + `\n"}`,
		`{"a":"` + long:                                          `{"a":"` + long,
	} {
		if got := string(cutJSON([]byte(in))); got != want {
			t.Errorf("%.60s… became %d bytes, want %d: …%s", in, len(got), len(want), got[max(0, len(got)-20):])
		}
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
