package feed

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

// decoded is a document as text, and what it took to make it one.
type decoded struct {
	text     []byte // valid UTF-8 without a byte order mark
	encoding string // what it was served in; "utf-8" if it was that
	repaired bool   // bytes that mean nothing in that encoding were replaced
}

// declaration finds the encoding that an XML declaration names.
func declaration() *regexp.Regexp {
	return regexp.MustCompile(`^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)
}

// toUTF8 converts a document to valid UTF-8 without a byte order mark. A byte order mark counts most,
// then what the bytes themselves prove, then the Content-Type header, then the XML declaration. Labels are
// believed last because they are wrong so often: servers add charset=iso-8859-1 to every text, and a
// feed in the wild says encoding="UNICODE" over plain UTF-8.
func toUTF8(body []byte, contentType string) (decoded, error) {
	if b, ok := bytes.CutPrefix(body, []byte("\xef\xbb\xbf")); ok {
		return asUTF8(b), nil
	}
	if label := utf16Label(body); label != "" {
		return convert(body, label)
	}
	if utf8.Valid(body) && bytes.IndexByte(body, 0x1b) < 0 {
		return decoded{text: body, encoding: "utf-8"}, nil
	}
	for _, label := range labels(body[:min(len(body), 1024)], contentType) {
		if _, name := charset.Lookup(label); name == "" || name == "utf-8" || strings.HasPrefix(name, "utf-16") {
			continue
		}
		return convert(body, label)
	}
	if western(body) {
		return convert(body, "windows-1252")
	}
	return asUTF8(body), nil
}

// labels returns the encodings that the header and the document name, in the order of RFC 7303, 3.
func labels(head []byte, contentType string) []string {
	var out []string
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["charset"] != "" {
		out = append(out, params["charset"])
	}
	if m := declaration().FindSubmatch(head); m != nil {
		out = append(out, string(m[1]))
	}
	return out
}

// western tells whether bytes that are no UTF-8 and have no label look like a Western European text: now and
// then a byte beyond ASCII, and not one that would make sense as UTF-8. A text that is full of such bytes may be
// in any of a dozen encodings, and guessing wrong would publish gibberish that looks like a decision.
func western(body []byte) bool {
	letters, strange := 0, 0
	for i := 0; i < len(body); {
		c := body[i]
		if c < utf8.RuneSelf {
			if c|0x20 >= 'a' && c|0x20 <= 'z' {
				letters++
			}
			i++
			continue
		}
		if _, n := utf8.DecodeRune(body[i:]); n > 1 {
			return false
		}
		strange++
		i++
	}
	return strange > 0 && strange*10 <= letters
}

// utf16Label recognises UTF-16 by its byte order mark or by the zero byte beside the first bracket.
func utf16Label(body []byte) string {
	if len(body) < 2 {
		return ""
	}
	switch {
	case body[0] == 0xfe && body[1] == 0xff, body[0] == 0 && (body[1] == '<' || body[1] == '{'):
		return "utf-16be"
	case body[0] == 0xff && body[1] == 0xfe, (body[0] == '<' || body[0] == '{') && body[1] == 0:
		return "utf-16le"
	}
	return ""
}

func convert(body []byte, label string) (decoded, error) {
	enc, name := charset.Lookup(label)
	if enc == nil {
		return asUTF8(body), nil
	}
	out, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		return decoded{}, fmt.Errorf("the feed cannot be read as %s: %w", label, err)
	}
	d := asUTF8(bytes.TrimPrefix(out, []byte("\xef\xbb\xbf")))
	d.encoding, d.repaired = name, bytes.Contains(d.text, []byte("\uFFFD"))
	return d, nil
}

func asUTF8(b []byte) decoded {
	d := decoded{text: b, encoding: "utf-8"}
	if !utf8.Valid(b) {
		d.text, d.repaired = bytes.ToValidUTF8(b, []byte("\uFFFD")), true
	}
	return d
}

// sniff tells the kind of a UTF-8 document ("rss", "rdf", "atom" or "json") and where its root element begins:
// it is read from there on, so that neither an encoding that no longer holds nor a long licence in a comment
// irritates the parser.
func sniff(text []byte) (kind string, start int, err error) {
	body := bytes.TrimLeft(text, " \t\r\n\x00\ufeff")
	if len(body) == 0 {
		return "", 0, errors.New("the feed is empty: not even a channel is in it")
	}
	if body[0] == '{' {
		return "json", len(text) - len(body), nil
	}
	root, err := skipProlog(body)
	if err != nil {
		return "", 0, err
	}
	start = len(text) - len(root)
	switch name := strings.ToLower(rootName(root)); name {
	case "rss", "rdf":
		return name, start, nil
	case "feed":
		return "atom", start, nil
	case "html", "head", "body":
		return "", 0, webPageError(root)
	case "":
		return "", 0, errors.New("this is no feed: it is neither XML nor JSON")
	default:
		return "", 0, fmt.Errorf("this is no feed: its root element is <%s>, not <rss>, <rdf:RDF> or <feed>", clip(name, 40))
	}
}

// skipProlog drops the XML declaration, comments, processing instructions and the document type.
func skipProlog(b []byte) ([]byte, error) {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		end := -1
		switch {
		case bytes.HasPrefix(b, []byte("<!--")):
			end = after(b, "-->")
		case bytes.HasPrefix(b, []byte("<?")):
			end = after(b, "?>")
		case bytes.HasPrefix(b, []byte("<!")):
			if end = afterDoctype(b); end > 0 {
				if err := checkDoctype(b[:end]); err != nil {
					return nil, err
				}
			}
		default:
			return b, nil
		}
		if end < 0 {
			return nil, nil
		}
		b = b[end:]
	}
}

// after returns the position behind the first mark, or -1.
func after(b []byte, mark string) int {
	i := bytes.Index(b, []byte(mark))
	if i < 0 {
		return -1
	}
	return i + len(mark)
}

// rootName returns the local name of the element that b starts with, or "".
func rootName(b []byte) string {
	if len(b) == 0 || b[0] != '<' {
		return ""
	}
	return string(localName(elementName(b[1:])))
}

// webPageError says that a page was served instead of a feed, and which feed that page names.
func webPageError(b []byte) error {
	const hint = "this is a web page, not a feed"
	z := html.NewTokenizer(bytes.NewReader(b[:min(len(b), 64<<10)]))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return errors.New(hint)
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if href := feedLink(t).href; href != "" {
				return fmt.Errorf("%s; it names %q as its feed", hint, clip(href, 200))
			}
		}
	}
}

// clip shortens a stranger's text for an error message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
