package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"crier/store"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxFeeds      = 20               // of one page
	guessTimeout  = 10 * time.Second // for one usual place
	discoverTotal = 90 * time.Second
)

// usualPlaces are where generators put their feed, the most frequent ones first.
func usualPlaces() []string {
	return []string{"feed.xml", "index.xml", "atom.xml", "rss.xml", "feed/", "feed", "feed.json", "rss"}
}

// Discover finds the feeds of a page. cfg.URL is the http(s) address of the page, cfg.Transport how to get there;
// nothing else of cfg counts. The result is the page itself if it is a feed, else the feeds that its answer or its
// head names (not fetched, those of comments last), else the feeds that are at the usual places of the site. The error
// says in the owner's words why there are none.
func Discover(ctx context.Context, cfg Config, userAgent string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, discoverTotal)
	defer cancel()
	f := finder{client: &http.Client{Transport: cfg.Transport, CheckRedirect: limitRedirects(fetchRedirects)}, userAgent: userAgent}
	if u, err := url.Parse(cfg.URL); err != nil || !isHTTP(cfg.URL) || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of a page; write it as https://…", clip(cfg.URL, 200))
	}
	page, err := fetchHTTP(ctx, f.client, store.Feed{URL: cfg.URL}, userAgent)
	if err != nil {
		return nil, pageError(err)
	}
	if _, err := Parse(page.body, page.source(cfg.URL)); err == nil {
		return []string{cfg.URL}, nil
	}
	at, err := url.Parse(page.url)
	if err != nil {
		return nil, fmt.Errorf("the page leads to an address that cannot be read: %w", err)
	}
	if named := namedFeeds(page, at); len(named) > 0 {
		return named, nil
	}
	found := f.usual(ctx, at)
	if len(found) == 0 {
		return nil, errors.New("the page names no feed, and there is none at the usual places (/feed.xml, /index.xml, /atom.xml and the like); " +
			"look up where your generator writes it and give that address")
	}
	return found, nil
}

// pageError says of the page what a failed fetch said of a feed.
func pageError(err error) error {
	var fe *fetchError
	if errors.As(err, &fe) && (fe.status == http.StatusNotFound || fe.status == http.StatusGone) {
		return fmt.Errorf("there is no page at this address (%d)", fe.status)
	}
	return err
}

// namedFeeds returns the addresses of feeds that a page names, best first, each once.
func namedFeeds(page fetched, at *url.URL) []string {
	links := slices.Concat(page.links, headLinks(page.body))
	slices.SortStableFunc(links, func(a, b pageLink) int { return rank(a) - rank(b) })
	base := at
	for _, l := range links {
		if l.is("base") {
			base = parsedBase(resolve(at, l.href))
		}
	}
	var out []string
	for _, l := range links {
		address := withoutFragment(resolve(base, l.href))
		if l.leadsToFeed() && isHTTP(address) && len(address) <= maxAddress && !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	return out[:min(len(out), maxFeeds)]
}

// rank puts feeds of comments behind the others.
func rank(l pageLink) int {
	if strings.Contains(strings.ToLower(l.href+" "+l.title), "comment") {
		return 1
	}
	return 0
}

func withoutFragment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	return address
}

// headLinks returns the links to feeds in the head of a page, and its <base> as a link of that relation. What stands
// in the body was often written by others.
func headLinks(body []byte) []pageLink {
	in, err := toUTF8(body, "")
	if err != nil {
		return nil
	}
	var out []pageLink
	z := html.NewTokenizer(bytes.NewReader(in.text))
	for len(out) < maxLinks {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		switch t := z.Token(); t.DataAtom {
		case atom.Body:
			return out
		case atom.Base:
			out = append(out, baseLinks(t)...)
		case atom.Link:
			if l := feedLink(t); l.href != "" {
				out = append(out, l)
			}
		}
	}
	return out
}

func baseLinks(t html.Token) []pageLink {
	for _, a := range t.Attr {
		if a.Key == "href" {
			return []pageLink{{rel: "base", href: a.Val}}
		}
	}
	return nil
}

// finder asks for what may be a feed.
type finder struct {
	client    *http.Client
	userAgent string
}

// usual returns the feeds at the usual places beside a page and at the top of its site, each once.
func (f finder) usual(ctx context.Context, at *url.URL) []string {
	folder := at.Path
	if !strings.HasSuffix(folder, "/") {
		folder = path.Dir(folder)
	}
	var found []string
	tried := map[string]bool{}
	for _, top := range []string{strings.TrimSuffix(folder, "/") + "/", "/"} {
		for _, name := range usualPlaces() {
			place := (&url.URL{Scheme: at.Scheme, Host: at.Host, Path: top + name}).String()
			if tried[place] || ctx.Err() != nil {
				continue
			}
			tried[place] = true
			if end := f.try(ctx, place); end != "" && !slices.Contains(found, end) {
				found = append(found, end)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	return found
}

// try returns where a feed is in the end if a place leads to one, else "".
func (f finder) try(ctx context.Context, place string) string {
	ctx, cancel := context.WithTimeout(ctx, guessTimeout)
	defer cancel()
	got, err := fetchHTTP(ctx, f.client, store.Feed{URL: place}, f.userAgent)
	if err != nil {
		return ""
	}
	if _, err := Parse(got.body, got.source(place)); err != nil {
		return ""
	}
	return got.url
}
