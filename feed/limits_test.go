package feed

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"crier/internal/netguard"
	"crier/store"
)

// TestHostileDocuments holds what a document may not do to its reader, and how the owner hears of it.
func TestHostileDocuments(t *testing.T) {
	const behind = `<rss version="2.0"><channel><title>&x;</title><item><title>&x;</title></item></channel></rss>`
	laughs := `<!DOCTYPE rss [<!ENTITY a0 "ha">`
	for i := range 10 {
		laughs += fmt.Sprintf(`<!ENTITY a%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&a%d;", i), 10))
	}
	for _, c := range []struct{ name, body, want string }{
		{"a billion laughs", `<?xml version="1.0"?>` + laughs + `]>` + behind,
			`the feed is refused: the entity "a1" of its document type is made of other entities`},
		{"quadratic laughs by parameter", `<!DOCTYPE rss [<!ENTITY % a "ha"><!ENTITY % b "%a;%a;">]>` + behind,
			`the feed is refused: the entity "b" of its document type is made of other entities`},
		{"an external entity", `<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + behind,
			`the feed is refused: its document type wants "file:///etc/passwd" to be read as the entity "x"`},
		{"an external entity on the web", `<!DOCTYPE rss [<!ENTITY x PUBLIC "any" 'http://169.254.169.254/latest/meta-data'>]>` + behind,
			`the feed is refused: its document type wants 'http://169.254.169.254/latest/meta-data' to be read as the entity "x"`},
		{"an external parameter entity", `<!DOCTYPE rss [<!ENTITY % x SYSTEM "http://evil.example/x.dtd"> %x;]>` + behind,
			`the feed is refused: its document type wants "http://evil.example/x.dtd" to be read as the entity "x"`},
		{"a document type in a file", `<!DOCTYPE rss SYSTEM "file:///dev/random">` + behind,
			`the feed is refused: its document type wants "file:///dev/random" to be read`},
		{"an entity declared in disguise", `<!DOCTYPE rss [<!-- --><!ENTITY` + "\n" + `x SYSTEM
"file:///etc/passwd">]>` + behind, `the feed is refused: its document type wants "file:///etc/passwd" to be read as the entity "x"`},
		{"an entity that cannot be read", `<!DOCTYPE rss [<!ENTITY x >]>` + behind,
			`the feed is refused: its document type declares an entity that cannot be read`},
		{"an entity without end", `<!DOCTYPE rss [<!ENTITY x "` + behind, `this is no feed: it is neither XML nor JSON`},
		{"elements without end", `<rss xmlns:m="m"><channel>` + strings.Repeat("<m:a>", 1_000_000), `the feed nests more than 256 elements`},
		{"elements without number", `<rss><channel>` + strings.Repeat("<a/>", maxElements), `the feed has more than 400000 elements`},
		{"entries without number", `<rss><channel>` + strings.Repeat("<item/>", maxItems+1) + `</channel></rss>`, `the feed has 20001 entries; more than 20000 are not read`},
	} {
		d, err := Parse([]byte(c.body), Source{URL: "https://blog.example/feed.xml"})
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if d != nil {
			t.Errorf("%s: a document came of it", c.name)
		}
	}
}

// TestLinesOfErrors checks that a flaw is found in the line in which the owner's editor shows it.
func TestLinesOfErrors(t *testing.T) {
	const prolog = "<?xml version=\"1.0\"?>\n<!-- a\nb -->\n\n"
	for _, c := range []struct{ name, body, want string }{
		{"an end tag", prolog + "<rss><channel>\n<item><title>a</item></channel></rss>", "near line 6: </item> stands where <title> is still open"},
		{"a bracket", prolog + "<rss><channel>\n\n<item><title>1 < 2</title></item></channel></rss>", "near line 7: a < that is not written as &lt;"},
		{"behind a mark and white space", "\ufeff\n\n<rss>\n</channel></rss>", "near line 4: </channel> stands where <rss> is still open"},
		{"JSON", "\n{\"version\":\"https://jsonfeed.org/version/1\",\n\"items\":[\n{\"id\":\"1\" \"url\":\"x\"}]}", "near line 4: invalid character '\"' after object key:value pair"},
		{"what only the parser sees", prolog + "<rss><channel><item><title>a</title>\n\n<description>&#0;</description></item><item a=\"1\" <b></item></channel></rss>", "near line "},
	} {
		if _, err := Parse([]byte(c.body), Source{}); err == nil || !strings.HasPrefix(err.Error(), "the feed is broken ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	_, err := Parse([]byte(`{"version":"https://jsonfeed.org/version/1","items":[{"id":"1","tags":"one"}]}`), Source{})
	if want := `the feed is broken: "tags" holds a JSON string, which does not belong there`; err == nil || err.Error() != want {
		t.Errorf("%v, want %q", err, want)
	}
}

// drip is a body that never ends, one byte a second.
type drip struct {
	done    <-chan struct{}
	failure func() error
	every   time.Duration
}

func (d drip) Read(p []byte) (int, error) {
	if d.every > 0 {
		select {
		case <-time.After(d.every):
			p[0] = 'x'
			return 1, nil
		case <-d.done:
			return 0, d.failure()
		}
	}
	return len(p), nil
}

// answers is a transport whose answers have that body.
type answers struct {
	body   func(*http.Request) io.Reader
	header http.Header
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	h := a.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: http.StatusOK, Header: h, Body: io.NopCloser(a.body(r)), ContentLength: -1, Request: r}, nil
}

// TestHostileAnswers holds what a server may not do.
func TestHostileAnswers(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 300 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	get := func(t *testing.T, rt http.RoundTripper) error {
		t.Helper()
		_, err := fetchHTTP(t.Context(), &http.Client{Transport: rt, CheckRedirect: limitRedirects(fetchRedirects)}, store.Feed{URL: feedURL}, "crier-test")
		return err
	}
	for _, c := range []struct {
		name  string
		body  func(*http.Request) io.Reader
		took  time.Duration
		error string
	}{
		{"a body of one byte a second", func(r *http.Request) io.Reader {
			return drip{r.Context().Done(), r.Context().Err, time.Second}
		}, fetchTimeout, "the feed did not arrive within 30s"},
		{"a body that stops", func(r *http.Request) io.Reader {
			return drip{r.Context().Done(), r.Context().Err, time.Hour}
		}, fetchTimeout, "the feed did not arrive within 30s"},
		{"a body without end", func(*http.Request) io.Reader { return drip{} }, 0, "the feed is larger than 10 MB; let it hold fewer entries"},
		{"a small archive of 300 MB", func(*http.Request) io.Reader { return bytes.NewReader(bomb.Bytes()) }, 0, "the feed is larger than 10 MB; let it hold fewer entries"},
		{"an archive that is cut off", func(*http.Request) io.Reader { return bytes.NewReader(bomb.Bytes()[:1000]) }, 0, "the connection broke off in the middle of the feed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := get(t, answers{body: c.body})
				if err == nil || err.Error() != c.error {
					t.Errorf("%v, want %q", err, c.error)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
			})
		})
	}
}

// TestRedirects follows real ones, under the guard that the daemon has.
func TestRedirects(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, rssOf(1)) }))
	defer inner.Close()
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, inner.URL+"/feed.xml?secret", http.StatusMovedPermanently)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/feed.xml", http.StatusFound)
		default:
			io.WriteString(w, rssOf(1))
		}
	}))
	defer outer.Close()
	// Only the outer server may be contacted, as a feed that the owner has configured.
	hostPort := outer.Listener.Addr().String()
	guard := netguard.New(netguard.Config{AllowPrivate: []netip.Prefix{}})
	client := &http.Client{Transport: guard.Transport(netguard.TransportOptions{Trust: []string{hostPort}}), CheckRedirect: limitRedirects(fetchRedirects)}
	get := func(path string) (fetched, error) {
		return fetchHTTP(t.Context(), client, store.Feed{URL: outer.URL + path}, "crier-test")
	}
	if f, err := get("/here"); err != nil || f.url != outer.URL+"/feed.xml" {
		t.Errorf("a plain redirect: %q, %v", f.url, err)
	}
	if _, err := get("/loop"); err == nil || err.Error() != "the feed cannot be fetched: more than 5 redirects" {
		t.Errorf("a loop: %v", err)
	}
	if _, err := get("/file"); err == nil || !strings.HasPrefix(err.Error(), "the feed cannot be fetched: ") {
		t.Errorf("a file: %v", err)
	}
	_, err := get("/inside")
	_, port, _ := net.SplitHostPort(inner.Listener.Addr().String())
	want := fmt.Sprintf("the feed cannot be fetched: http://127.0.0.1:%s/feed.xml: refused: 127.0.0.1 is a loopback address; allow it with network.allow_private", port)
	if err == nil || err.Error() != want {
		t.Errorf("into the private network:\n%v, want\n%s", err, want)
	}
	var refused *netguard.RefusedError
	if !errors.As(err, &refused) {
		t.Errorf("%T does not say that it was refused", err)
	}
}
