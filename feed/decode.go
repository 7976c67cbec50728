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

// declared finds the encoding that an XML declaration names.
var declared = regexp.MustCompile(`^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// toUTF8 converts a document to valid UTF-8 without a byte order mark. A byte order mark counts most,
// then what the bytes themselves prove, then the Content-Type header, then the XML declaration. Labels are
// believed last because they are wrong so often: servers add charset=iso-8859-1 to every text, and a
// feed in the wild says encoding="UNICODE" over plain UTF-8.
func toUTF8(body []byte, contentType string) ([]byte, error) {
	if b, ok := bytes.CutPrefix(body, []byte("\xef\xbb\xbf")); ok {
		return validUTF8(b), nil
	}
	if label := utf16Label(body); label != "" {
		return convert(body, label)
	}
	head := body[:min(len(body), 1024)]
	if utf8.Valid(body) && !bytes.ContainsRune(head, '\x1b') {
		return body, nil
	}
	for _, label := range labels(head, contentType) {
		if _, name := charset.Lookup(label); name == "" || name == "utf-8" || strings.HasPrefix(name, "utf-16") {
			continue
		}
		return convert(body, label)
	}
	return validUTF8(body), nil
}

// labels returns the encodings that the header and the document name, in the order of RFC 7303, 3.
func labels(head []byte, contentType string) []string {
	var out []string
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["charset"] != "" {
		out = append(out, params["charset"])
	}
	if m := declared.FindSubmatch(head); m != nil {
		out = append(out, string(m[1]))
	}
	return out
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

func convert(body []byte, label string) ([]byte, error) {
	enc, _ := charset.Lookup(label)
	if enc == nil {
		return validUTF8(body), nil
	}
	out, err := enc.NewDecoder().Bytes(body)
	if err != nil {
		return nil, fmt.Errorf("the feed cannot be read as %s: %w", label, err)
	}
	return validUTF8(bytes.TrimPrefix(out, []byte("\xef\xbb\xbf"))), nil
}

func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}

// sniff tells the kind of a UTF-8 document ("rss", "rdf", "atom" or "json") and returns it from its root element on, so
// that neither an encoding that no longer holds nor a long licence in a comment irritates the parser.
func sniff(body []byte) (string, []byte, error) {
	body = bytes.TrimLeft(body, " \t\r\n\x00\ufeff")
	if len(body) == 0 {
		return "", nil, errors.New("the feed is empty: not even a channel is in it")
	}
	if body[0] == '{' {
		return "json", body, nil
	}
	root := skipProlog(body)
	switch name := strings.ToLower(rootName(root)); name {
	case "rss", "rdf":
		return name, root, nil
	case "feed":
		return "atom", root, nil
	case "html", "head", "body":
		return "", nil, webPageError(root)
	case "":
		return "", nil, errors.New("this is no feed: it is neither XML nor JSON")
	default:
		return "", nil, fmt.Errorf("this is no feed: its root element is <%s>, not <rss>, <rdf:RDF> or <feed>", clip(name, 40))
	}
}

// skipProlog drops the XML declaration, comments, processing instructions and the document type.
func skipProlog(b []byte) []byte {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		end := -1
		switch {
		case bytes.HasPrefix(b, []byte("<!--")):
			end = after(b, "-->")
		case bytes.HasPrefix(b, []byte("<?")):
			end = after(b, "?>")
		case bytes.HasPrefix(b, []byte("<!")):
			end = afterDoctype(b)
		default:
			return b
		}
		if end < 0 {
			return nil
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

// afterDoctype returns the position behind a <!DOCTYPE …>, its internal subset included, or -1.
func afterDoctype(b []byte) int {
	subset := false
	for i, c := range b {
		switch {
		case c == '[':
			subset = true
		case c == ']':
			subset = false
		case c == '>' && !subset:
			return i + 1
		}
	}
	return -1
}

// rootName returns the local name of the element that b starts with, or "".
func rootName(b []byte) string {
	if len(b) == 0 || b[0] != '<' {
		return ""
	}
	name := elementName(b[1:])
	return name[strings.LastIndexByte(name, ':')+1:]
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
			if href := feedLink(t); href != "" {
				return fmt.Errorf("%s; it names %q as its feed", hint, clip(href, 200))
			}
		}
	}
}

// feedLink returns the address in a <link rel="alternate"> whose type is that of a feed.
func feedLink(t html.Token) string {
	if t.Data != "link" {
		return ""
	}
	attr := map[string]string{}
	for _, a := range t.Attr {
		attr[a.Key] = a.Val
	}
	switch attr["type"] {
	case "application/rss+xml", "application/atom+xml", "application/feed+json":
		if strings.Contains(strings.ToLower(attr["rel"]), "alternate") {
			return attr["href"]
		}
	}
	return ""
}

// clip shortens a stranger's text for an error message.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
