package federation

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// document is something that can be served as it is.
type document struct {
	body   []byte
	etag   string // strong: it follows from the bytes
	typ    string // content type
	maxAge time.Duration
}

const (
	ageActor      = 5 * time.Minute
	agePost       = 3 * time.Minute
	ageCollection = time.Minute
	ageDiscovery  = time.Hour // of WebFinger and its kin; Mastodon itself says three days
	agePage       = time.Minute
)

// newDocument is an ActivityPub document. The type is always the same, whatever was asked for: it is
// the one that every server accepts (Lemmy takes only a few exact strings).
func newDocument(body []byte, maxAge time.Duration) document {
	return document{body: body, etag: etagOf(body), typ: typeActivity, maxAge: maxAge}
}

// newText is a word to people.
func newText(text string) document {
	return document{body: []byte(text + "\n"), typ: "text/plain; charset=utf-8"}
}

func etagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// serve answers with the document, or with 304 where the client has it already (RFC 9110 §13.1.2).
func (d document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", d.etag)
	cacheFor(w, d.maxAge)
	if hasETag(r.Header.Values("If-None-Match"), d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	d.write(w, r, http.StatusOK)
}

// cacheFor says how long an answer may be kept: by everybody, or by its one reader (see varySignature). A shared cache
// may go on with it for a day while we do not answer (RFC 5861 §4), and with what hardly ever changes for ten minutes
// while it asks for news (§3). A post gets no such respite: its edit and its end are seen when its age is over.
func cacheFor(w http.ResponseWriter, age time.Duration) {
	directives := ", max-age=" + strconv.Itoa(int(age.Seconds()))
	switch {
	case w.Header().Get("Vary") == varyOnSignature:
		directives = "private" + directives
	case age == ageDiscovery:
		directives = "public" + directives + ", stale-while-revalidate=600, stale-if-error=86400"
	default:
		directives = "public" + directives + ", stale-if-error=86400"
	}
	w.Header().Set("Cache-Control", directives)
}

// write answers with type and body alone; HEAD gets the length of it.
func (d document) write(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	h.Set("Content-Type", d.typ)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(d.body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(d.body) // the client went away: nobody is left to be told
	}
}

// hasETag reports whether an If-None-Match names the tag, or anything.
func hasETag(lines []string, etag string) bool {
	for _, line := range lines {
		for _, tag := range strings.Split(line, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
				return true
			}
		}
	}
	return false
}

// wantsHTML reports whether a client would rather have a page than ActivityPub: text/html is named, with
// a higher q than every ActivityPub type that is named. Everything else, no Accept at all and */* too,
// gets ActivityPub, since many fetchers of posts say little about what they take (contract).
func wantsHTML(r *http.Request) bool {
	return prefersHTML(r.Header.Values("Accept"))
}

func prefersHTML(accept []string) bool {
	if !slices.ContainsFunc(accept, func(line string) bool { return strings.Contains(strings.ToLower(line), "text/html") }) {
		return false // as nearly all other servers ask
	}
	html, activity := 0.0, 0.0
	for _, line := range accept {
		for _, item := range splitQuoted(line, ',') {
			typ, q := mediaRange(item)
			switch typ {
			case "text/html":
				html = max(html, q)
			case "application/activity+json", "application/ld+json", "application/json", "application/*":
				activity = max(activity, q)
			}
		}
	}
	return html > activity
}

// mediaRange reads one element of an Accept header: the type in lower case, and its q, which is 1 where
// it is not given and 0 where it is no number between 0 and 1 (RFC 9110 §12.4.2).
func mediaRange(item string) (typ string, q float64) {
	parts := splitQuoted(item, ';')
	q = 1
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(f >= 0 && f <= 1) {
			f = 0
		}
		q = f
	}
	return strings.ToLower(strings.TrimSpace(parts[0])), q
}

// splitQuoted splits at a separator that stands outside of quoted strings; there is always one part.
func splitQuoted(s string, separator byte) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

// mustEncode is encode for values of our own types that hold nothing but strings, numbers and lists of
// them: there is no such value that JSON cannot hold, so an error is a programming error.
func mustEncode(v any) []byte {
	b, err := encode(v)
	if err != nil {
		panic(err)
	}
	return b
}
