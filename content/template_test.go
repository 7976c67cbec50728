package content

import (
	"strings"
	"testing"
)

func TestTemplateErrors(t *testing.T) {
	for source, want := range map[string]string{
		"a\nb {{.Titel}}":                   "line 2, column 5: unknown field .Titel; there are .Title, .URL, .Text, .Summary, .Author, .Authors, .Categories, .Hashtags, .Language, .Warning; did you mean .Title?",
		"{{.Date}}":                         "line 1, column 3: unknown field .Date; there are",
		"{{.title}}":                        "did you mean .Title?",
		"{{$.Foo}}":                         "unknown field .Foo",
		"{{.Title.Format}}":                 ".Title has no .Format",
		"{{(.Title).Format}}":               "a text has no .Format",
		"{{$x := .Title}}{{$x.Y}}":          "$x is a text",
		"{{title}}":                         "there is no function title",
		"x\n\n  {{uper .Title}}":            "line 3, column 3: there is no function uper; there are join, first, lower, upper, truncate, and, or, not, eq, ne, lt, le, gt, ge, len, index, slice; did you mean upper?",
		"{{printf \"%d\" .Title}}":          "there is no function printf",
		"{{html .Title}}":                   "there is no function html",
		"{{if .Title}}x":                    "the {{end}} of an {{if}}",
		"x{{end}}":                          "an {{end}} without",
		"x {{.Title":                        "a {{ without its }}",
		"{{.Title | truncate \"x}}":         "quotes whose end is missing",
		"{{$y}}":                            "there is no variable",
		"{{truncate .Title}}":               "line 1, column 3: truncate: wrong number of args",
		"{{truncate \"9\" .Title}}":         "it takes a number and a text",
		"{{upper .Authors}}":                "upper .Authors: it takes a text, and got a list",
		"{{join .Title .Author}}":           "it takes a list",
		"{{join .Authors .Title}}":          "written in quotes",
		"{{range 1000000000}}{{end}}":       "{{range}} goes over .Authors or .Categories",
		"{{range len .Title}}{{end}}":       "{{range}} goes over",
		"{{range $i, $x := .Title}}{{end}}": "{{range}} goes over",
		"{{range first .Authors}}x{{end}}":  "range can't iterate over",
		"{{range .Authors}}{{range $.Categories}}{{end}}{{end}}": "inside another one",
		"{{range .Authors}}{{.Name}}{{end}}":                     "the dot is a text, which has no .Name; $.Name is that of the entry",
		"{{with .Author}}{{.Title}}{{end}}":                      "the dot is a text",
		"{{.}}":                                                  "the dot is the entry",
		"{{$}}":                                                  "$ is the entry",
		"a{{define \"x\"}}{{end}}":                               "column 4: {{define}} is not to be had",
		"{{- template \"post\" . }}":                             "{{template}} is not to be had",
		"{{block \"x\" .}}{{end}}":                               "{{block}} is not to be had",
		"":                                                       "the template is empty",
		" \n":                                                    "the template is empty",
		"{{/* nothing */}}":                                      "",
		"\xff":                                                   "not UTF-8",
		"a\ufdd0":                                                "line 1, column 2: U+FDD0",
		strings.Repeat("x", maxTemplate+1):                       "the template has 17 kB; 16 kB are allowed",
		"{{index .Authors 0}}":                                   "some entries have less than that",
		"{{index .Title 1000}}":                                  "index",
		"{{range .Categories}}" + strings.Repeat("x", 15_000) + "{{end}}": "",
	} {
		_, err := NewTemplate(source)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q\ngot  %v\nwant %s", source, err, want)
		}
	}
}

func TestTemplateTooMuch(t *testing.T) {
	tmpl := mustTemplate(t, "{{range .Categories}}"+strings.Repeat("x", 15_000)+"{{end}}")
	e := Entry{URL: "https://a.example/", Title: "T", Content: "Text.", Categories: strings.Fields(strings.Repeat("a ", 50))}
	o := Options{Template: tmpl}
	if got, want := Render(e, Extras{}, o), Render(e, Extras{}, Options{}); !Equal(got, want) {
		t.Errorf("got %.200s", got.HTML)
	}
	if _, err := tmpl.fill(filling{Categories: listed(e.Categories)}); err == nil || !strings.Contains(err.Error(), "more than 64 kB") {
		t.Errorf("error %v", err)
	}
}

// TestTemplateText checks that what a feed says is text, wherever a template puts it.
func TestTemplateText(t *testing.T) {
	hostile := "*a* [b](https://evil.example/) <b>c <i x=\"y\"> `d` | # ~~e~~ &amp; \\ https://evil.example/ www.evil.example a@evil.example\n\n# f ![g](h) _i_ $1 {{.URL}} 1. -"
	shown := oneLine(PlainText(hostile))
	e := Entry{URL: "https://a.example/(x)_y_*z*?a&copy;b", Title: hostile, Authors: []string{hostile}, Categories: []string{hostile}, Content: "Text."}
	url := `https://a.example/(x)_y_*z*?a&amp;copy;b`
	for source, want := range map[string]string{
		"{{.Title}}":                               "<p>SHOWN</p>",
		"- {{.Title}}":                             "<ul><li>SHOWN</li></ul>",
		"**{{.Title}}**":                           "<p><strong>SHOWN</strong></p>",
		"`{{.Title}}`":                             "<p><code>SHOWN</code></p>",
		"<em>{{.Title}}</em>":                      "<p><em>SHOWN</em></p>",
		"<div>{{.Title}}</div>":                    "<p>SHOWN</p>",
		"[{{.Title}}]({{.URL}})":                   `<p><a href="` + url + `">SHOWN</a></p>`,
		"{{first .Authors}}":                       "<p>SHOWN</p>",
		"{{join .Categories `*`}}":                 "<p>SHOWN</p>",
		"{{range .Authors}}{{.}}{{end}}":           "<p>SHOWN</p>",
		"{{slice .Title 0}}":                       "<p>SHOWN</p>",
		"{{.Title}}: {{with .Author}}{{.}}{{end}}": "<p>SHOWN: SHOWN</p>",
		"{{.URL}}":                                 `<p><a href="` + url + `">a.example/(x)_y_*z*?a&amp;copy;b</a></p>`,
		"<{{.URL}}>":                               `<p><a href="` + url + `">a.example/(x)_y_*z*?a&amp;copy;b</a></p>`,
		"`{{.URL}}`":                               "<p><code>" + url + "</code></p>",
		"[x]({{.URL}}#c)":                          `<p><a href="` + url + `#c">x</a></p>`,
		"[x](https://b.example/?q={{truncate 3 .Title}})": `<p><a href="https://b.example/?q=%2Aa%E2%80%A6">x</a></p>`,
	} {
		p := Render(e, Extras{}, Options{Template: mustTemplate(t, source)})
		checkPost(t, p)
		var sb strings.Builder
		escape(&sb, clipText(shown, maxTitle))
		if want = strings.ReplaceAll(want, "SHOWN", sb.String()); p.HTML != want {
			t.Errorf("%s\ngot  %s\nwant %s", source, p.HTML, want)
		}
	}
}

// TestTemplateDisguise checks that a feed cannot write what stands for something else in a template.
func TestTemplateDisguise(t *testing.T) {
	e := Entry{URL: "https://a.example/x", Title: "a\ufdd0b\U0001fffec\U0001ffffd https://entry-address.invalid/", Content: "T\U0001fffee\ufdefxt."}
	p := Render(e, Extras{}, Options{Template: mustTemplate(t, "{{.Title}}\n\n{{.Author}}{{.Text}}")})
	if want := "<p>abcd https://entry-address.invalid/</p><p>T\U0001fffee\ufdefxt.</p>"; p.HTML != want {
		t.Errorf("got %q", p.HTML)
	}
}

func TestTemplateParts(t *testing.T) {
	e := Entry{URL: "https://a.example/x", Title: "A title", Content: "<p>One <b>bold</b> #tag.</p><ul><li>two</li></ul>", Categories: []string{"Cat", "tag", "third"}, Authors: []string{"Ann", "Bo"},
		Language: "en", Warning: "food"}
	body := "<p>One <strong>bold</strong> {tag}.</p><ul><li>two</li></ul>"
	for source, want := range map[string]string{
		"{{.Text}}":                               body,
		"Before\n{{.Text}}\nAfter":                "<p>Before</p>" + body + "<p>After</p>",
		"Text: {{.Text}}":                         "<p>Text: One bold #tag. two</p>",
		"> {{.Text}}":                             "<blockquote>" + body + "</blockquote>",
		"[{{.Text}}]({{.URL}})":                   `<p><a href="https://a.example/x">One bold #tag. two</a></p>`,
		"{{.Summary}}":                            "<p>One bold {tag}. two</p>",
		"{{.Text | truncate 9}}":                  "<p>One bold…</p>",
		"{{.Hashtags}}":                           "<p>{Cat} {tag} {third}</p>",
		"{{.Text}}\n\nIn {{.Hashtags}} today":     body + "<p>In {Cat} {third} today</p>",
		"`{{.Hashtags}}`":                         "<p><code>#Cat #tag #third</code></p>",
		"New on the #Blog: {{.Title}}":            "<p>New on the {Blog}: A title</p>",
		"a\nb\n\nc":                               "<p>a<br>b</p><p>c</p>",
		"{{if eq .Title \"A title\"}}yes{{end}}":  "<p>yes</p>",
		"{{len .Authors}}{{if .Warning}}!{{end}}": "<p>2!</p>",
		"{{.Author}}, {{join .Authors \" & \"}}, {{.Authors | join \"/\"}}":                "<p>Ann, Ann &amp; Bo, Ann/Bo</p>",
		"{{first .Categories}} {{range first 2 .Categories}}({{.}}){{end}}":                "<p>Cat (Cat)(tag)</p>",
		"{{upper .Title}} {{lower \"**X**\"}} {{.Language}} {{.Warning}}":                  "<p>A TITLE <strong>x</strong> en food</p>",
		"<script>alert(1)</script><a href=\"javascript:x\" onclick=\"y\">x</a>{{/* c */}}": "<p>x</p>",
		"![alt](https://a.example/1.png)":                                                  "<p>[alt]</p>",
	} {
		p := Render(e, Extras{}, Options{Template: mustTemplate(t, source), TagBase: testTags})
		checkPost(t, p)
		if got := marked(p.HTML); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", source, got, want)
		}
	}
}

// TestTemplateGivesNothing checks that no post is empty because a template forgot about some entries.
func TestTemplateGivesNothing(t *testing.T) {
	o := Options{Template: mustTemplate(t, "{{if .Title}}{{.Title}}{{end}}")}
	if p := Render(Entry{Content: "Text."}, Extras{}, o); p.HTML != "<p>Text.</p>" {
		t.Errorf("got %s", p.HTML)
	}
	if p := Render(Entry{Content: "Text.<img src='https://a.example/1.png'>"}, Extras{}, o); p.HTML != "" {
		t.Errorf("got %s", p.HTML)
	}
}

func TestTemplateFits(t *testing.T) {
	o := Options{Mode: ModeFull, Template: mustTemplate(t, "{{.Title}}\n{{.Text}}\n{{.Text}}\n[link]({{.URL}})")}
	p := Render(Entry{URL: "https://a.example/x", Title: "T", Content: strings.Repeat("<p>Words in a paragraph.</p>", 10_000)}, Extras{}, o)
	checkPost(t, p)
	if !strings.HasSuffix(p.HTML, `…</p><p><a href="https://a.example/x">link</a></p>`) || len(p.HTML) < maxHTML/3 {
		t.Errorf("%d bytes, ending in %q", len(p.HTML), p.HTML[len(p.HTML)-100:])
	}
}

func TestTemplateIsShared(t *testing.T) {
	tmpl := mustTemplate(t, "{{.Title}}")
	if tmpl.Source() != "{{.Title}}" {
		t.Error(tmpl.Source())
	}
	t.Run("group", func(t *testing.T) {
		for _, title := range strings.Fields("a b c d") {
			t.Run(title, func(t *testing.T) {
				t.Parallel()
				if p := Render(Entry{Title: title}, Extras{}, Options{Template: tmpl}); p.HTML != "<p>"+title+"</p>" {
					t.Error(p.HTML)
				}
			})
		}
	})
}
