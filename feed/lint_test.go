package feed

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// sound is a feed in which there is nothing to mend.
const sound = `<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Sound</title><link>https://blog.example/</link><language>en</language>
<atom:link rel="self" href="https://blog.example/feed.xml"/><atom:link rel="hub" href="https://hub.example/"/>
<item><title>Vec&lt;T&gt; &amp;amp; more</title><link>https://blog.example/1/</link><guid>https://blog.example/1/</guid><pubDate>Wed, 01 May 2024 10:00:00 +0000</pubDate>
<description>&lt;p&gt;Text with &lt;img src="a.png" alt=""&gt; &lt;img src="b.png" alt="A bee"&gt;&lt;/p&gt;</description><enclosure url="/1/b.png" type="image/png" length="12"/></item>
<item><title>Two</title><link>https://www.blog.example/2/</link><guid isPermaLink="false">2</guid><pubDate>Wed, 01 May 2024 09:00:00 +0000</pubDate></item>
</channel></rss>`

func TestLint(t *testing.T) {
	items := func(some ...string) string {
		return `<rss><channel><link>https://blog.example/</link><language>en</language>` + strings.Join(some, "") + `</channel></rss>`
	}
	item := func(n int, parts string) string {
		return fmt.Sprintf(`<item><title>Post %d</title><pubDate>0%d May 2024 10:00:00 +0000</pubDate>%s</item>`, n, n, parts)
	}
	page := func(n int) string { return fmt.Sprintf(`<guid>g%d</guid><link>https://blog.example/%d/</link>`, n, n) }
	for _, c := range []struct {
		name, body, contentType string
		want                    []string
	}{
		{"nothing to mend", sound, "application/rss+xml; charset=utf-8", nil},
		{"nothing, served as XML", sound, "text/xml", nil},
		{"a local file", sound, "", nil},
		{"served as a page", sound, "text/html; charset=utf-8", []string{"the feed is served as text/html; serve it as application/rss+xml"}},
		{"JSON served as text", `{"version":"https://jsonfeed.org/version/1","home_page_url":"https://blog.example/","language":"en","items":[]}`, "text/plain",
			[]string{"the feed is served as text/plain; serve it as application/feed+json", "the feed has no entries"}},
		{"another encoding", strings.Replace("<?xml version='1.0' encoding='iso-8859-1'?>"+sound, "Two", "Zwei \xfc", 1), "",
			[]string{"the feed is written in windows-1252; UTF-8 is safer, and every reader knows it"}},
		{"broken bytes", strings.Replace(sound, "Two", "Zwölf \xff", 1), "", []string{"some bytes of the feed are no utf-8; they show as \uFFFD"}},
		{"the whole", `<rss><channel><link>/</link><item><title>A</title><guid>a</guid><link>https://blog.example/a</link><pubDate>01 May 2024 10:00:00 +0000</pubDate></item></channel></rss>`, "", []string{
			`the feed's link to the blog, "/", is no whole address; crier takes blog.example for its host`,
			"the feed does not say its language; people who filter by language will not see the posts"}},
		{"a hub without an address", strings.Replace(sound, `rel="self"`, `rel="other"`, 1), "",
			[]string{`the feed names a WebSub hub but not its own address (rel="self"), under which the hub knows it`}},
		{"no id", items(item(1, page(1)), item(2, "<link>https://blog.example/2/</link>")), "", []string{"entry 2 (“Post 2”) has no id (<guid>); crier goes by its link"}},
		{"several without", items(item(1, "<link>https://blog.example/1/</link>"), item(2, page(2)), item(3, "<link>https://blog.example/3/</link>"), item(4, "<link>https://blog.example/4/</link>")), "",
			[]string{"entries 1 (“Post 1”), 3 (“Post 3”) and 4 (“Post 4”) have no id (<guid>); crier goes by their links"}},
		{"one id for all", items(item(1, `<guid isPermaLink="false">g</guid><link>https://blog.example/1/</link>`), item(2, `<guid isPermaLink="false">g</guid><link>https://blog.example/2/</link>`)), "",
			[]string{`entry 2 (“Post 2”) has the same id ("g") as another one; each entry needs its own`}},
		{"links", items(item(1, `<guid isPermaLink="false">1</guid>`), item(2, `<guid isPermaLink="false">2</guid><link>/two</link>`), item(3, `<guid isPermaLink="false">3</guid><link>https://elsewhere.example/3</link>`)), "", []string{
			"entry 1 (“Post 1”) has no link; its post leads nowhere",
			`entry 2 (“Post 2”) has a relative link ("/two", taken for https://blog.example/two); write whole addresses`,
			"entry 3 (“Post 3”) links to elsewhere.example and not to the blog at blog.example; the id of its post is made of a hash"}},
		{"dates", items(`<item><title>None</title>`+page(1)+`</item>`, `<item><title>Odd</title><pubDate>soon</pubDate>`+page(2)+`</item>`, `<item><title>Ahead</title><pubDate>1 Jun 2024 08:30:00 +0000</pubDate>`+page(3)+`</item>`), "", []string{
			`entry 2 (“Odd”) has a date that cannot be read ("soon")`,
			"entry 1 (“None”) has no date; it counts as written when crier finds it",
			"entry 3 (“Ahead”) is dated in the future; it waits until 2024-06-01 08:30 UTC"}},
		{"titles", items(item(1, page(1)), `<item><pubDate>02 May 2024 10:00:00 +0000</pubDate><description>x</description>`+page(2)+`</item>`, `<item><title>Q&amp;amp;amp;A</title><pubDate>03 May 2024 10:00:00 +0000</pubDate>`+page(3)+`</item>`), "", []string{
			"entry 2 has no title, unlike others",
			"entry 3 (“Q&A”) has a title that is escaped twice; other readers show its entities"}},
		{"a microblog", items(`<item><pubDate>02 May 2024 10:00:00 +0000</pubDate><description>x</description>`+page(2)+`</item>`, `<item><pubDate>01 May 2024 10:00:00 +0000</pubDate>`+page(1)+`</item>`), "",
			[]string{"entry 2 has neither title nor text; its post is a bare link"}},
		{"enclosures", items(item(1, page(1)+`<enclosure url="/a.mp3" type="mp3"/>`), item(2, page(2)+`<enclosure url="/b.mp3" type="audio/mpeg" length="1:20"/>`)), "",
			[]string{"entries 1 (“Post 1”) and 2 (“Post 2”) have flawed enclosures (the first one has no type)"}},
		{"pictures", items(item(1, page(1)+`<description>&lt;img src="/a.png"&gt;&lt;img src="data:x"&gt;</description><enclosure url="/a.png" type="image/png" length="1"/><enclosure url="/b.png" type="image/png" length="1"/>`)), "",
			[]string{"2 pictures in the first entry of the feed have no description (alt); who cannot see them learns nothing of them"}},
	} {
		d, err := Parse([]byte(c.body), Source{URL: "https://blog.example/feed.xml", ContentType: c.contentType})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := d.Lint("blog.example", day1); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestLintIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`<rss><channel>`)
	for i := range 5000 {
		fmt.Fprintf(&b, `<item><title>%s &amp;amp;amp; %d</title><enclosure url=""/></item>`, strings.Repeat("long ", 50), i)
	}
	b.WriteString(`<item><link>relative</link><pubDate>never</pubDate></item><item><link>https://else.example/</link><pubDate>1 Jan 2099 00:00:00 GMT</pubDate><guid>g</guid></item><item><guid>g</guid></item></channel></rss>`)
	d, err := Parse([]byte(b.String()), Source{ContentType: "text/html"})
	if err != nil {
		t.Fatal(err)
	}
	got := d.Lint("blog.example", time.Time{})
	if len(got) != maxAdvice {
		t.Errorf("%d lines:\n%s", len(got), strings.Join(got, "\n"))
	}
	for _, line := range got {
		if len(line) > 500 {
			t.Errorf("a line of %d bytes: %s", len(line), line)
		}
	}
	if want := "entries 1 (“long long long long long long long long…”), 2 (“long long long long long long long long…”), 3 (“long long long long long long long long…”) and 4998 more have no id (<guid>); crier goes by their links"; !slices.Contains(got, want) {
		t.Errorf("no line %q in\n%s", want, strings.Join(got, "\n"))
	}
}
