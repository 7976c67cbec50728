package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"crier/feed"
	"crier/internal/config"
)

// discoverMost is how many of the feeds that a page names are read to find an entry.
const discoverMost = 3

// find finds what is to be shown. Where only some of it could be read, that comes beside the error.
func (l *looker) find(ctx context.Context) ([]sighting, error) {
	switch {
	case l.o.What == "":
		return l.all(ctx)
	case isWeb(l.o.What):
		return l.address(ctx)
	}
	return l.file(ctx)
}

// all reads the newest entries of every configured feed.
func (l *looker) all(ctx context.Context) ([]sighting, error) {
	seen, err := l.readConfigured(ctx)
	for i := range seen {
		seen[i].entries = newest(seen[i].reading, l.o.Newest)
		if len(seen[i].entries) == 0 {
			err = errors.Join(err, fmt.Errorf("feed %s: there are no entries in it", seen[i].feed.URL))
		}
	}
	return seen, err
}

// readConfigured reads the configured feeds, side by side.
func (l *looker) readConfigured(ctx context.Context) ([]sighting, error) {
	seen := make([]sighting, len(l.cfg.Feeds))
	errs := make([]error, len(l.cfg.Feeds))
	var group errgroup.Group
	group.SetLimit(looksAtOnce)
	for i, f := range l.cfg.Feeds {
		group.Go(func() error {
			seen[i], errs[i] = l.read(ctx, f)
			return nil
		})
	}
	_ = group.Wait()
	seen = slices.DeleteFunc(seen, func(s sighting) bool { return s.reading == nil })
	return seen, errors.Join(errs...)
}

// read reads a feed; none of its entries is chosen yet.
func (l *looker) read(ctx context.Context, f config.Feed) (sighting, error) {
	look, err := style(l.cfg, f)
	if err != nil {
		return sighting{}, fmt.Errorf("feed %s: template %s: %w", f.URL, f.Template.File, err)
	}
	r, err := feed.Read(ctx, l.feedConfig(f), l.cfg.Account.Handle.Host, userAgent(l.cfg, l.o.Version))
	if err != nil {
		return sighting{}, fmt.Errorf("feed %s: %w", f.URL, err)
	}
	return sighting{feed: f, style: look, configured: l.isConfigured(f.URL), reading: r}, nil
}

func (l *looker) feedConfig(f config.Feed) feed.Config {
	return feed.Config{URL: f.URL, Transport: l.transport(f)} // more does not count for a look
}

// newestOf reads a feed and chooses its newest entries.
func (l *looker) newestOf(ctx context.Context, f config.Feed) ([]sighting, error) {
	s, err := l.read(ctx, f)
	if err != nil {
		return nil, err
	}
	s.entries = newest(s.reading, l.o.Newest)
	if len(s.entries) == 0 {
		return []sighting{s}, fmt.Errorf("feed %s: there are no entries in it", f.URL)
	}
	return []sighting{s}, nil
}

// newest returns the n newest entries: by their dates if all have one, else as they stand in the document.
func newest(r *feed.Reading, n int) []feed.ReadEntry {
	entries := slices.Clone(r.Entries)
	if !slices.ContainsFunc(entries, func(e feed.ReadEntry) bool { return !e.Dated }) {
		slices.SortStableFunc(entries, func(a, b feed.ReadEntry) int { return b.Date.Compare(a.Date) })
	}
	return entries[:min(n, len(entries))]
}

// feedAt is the configured feed of that address, else one with default settings.
func (l *looker) feedAt(address string) (f config.Feed, configured bool) {
	for _, f := range l.cfg.Feeds {
		if f.URL == address || sameAddress(f.URL, address) {
			return f, true
		}
	}
	f = config.DefaultFeed()
	f.URL = address
	return f, false
}

// file is a feed in a file.
func (l *looker) file(ctx context.Context) ([]sighting, error) {
	name, err := filepath.Abs(l.o.What)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", l.o.What, err)
	}
	if _, err := os.Stat(name); err != nil {
		hint := "name a feed (its address or a file), or the address of an entry"
		if host, _, _ := strings.Cut(l.o.What, "/"); strings.Contains(host, ".") {
			hint = "if it is an address, write https://" + l.o.What
		}
		return nil, fmt.Errorf("there is no file %s; %s", l.o.What, hint)
	}
	f, _ := l.feedAt(name)
	return l.newestOf(ctx, f)
}

// address is a feed, an entry, or a page that names a feed.
func (l *looker) address(ctx context.Context) ([]sighting, error) {
	if u, err := url.Parse(l.o.What); err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%s is not an address; write for example https://example.com/2026/hello/", l.o.What)
	}
	if f, ok := l.feedAt(l.o.What); ok {
		return l.newestOf(ctx, f)
	}
	seen, failed := l.readConfigured(ctx)
	for _, s := range seen {
		if e, ok := entryAt(s.reading, l.o.What); ok {
			s.entries = []feed.ReadEntry{e}
			return []sighting{s}, nil
		}
	}
	found, err := l.discovered(ctx)
	if err != nil {
		return nil, errors.Join(failed, err)
	}
	return found, nil
}

// discovered asks the page itself for its feed.
func (l *looker) discovered(ctx context.Context) ([]sighting, error) {
	page := config.DefaultFeed()
	page.URL = l.o.What
	feeds, err := feed.Discover(ctx, l.feedConfig(page), userAgent(l.cfg, l.o.Version))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.o.What, err)
	}
	if len(feeds) == 0 {
		return nil, fmt.Errorf("%s names no feed; name the feed itself", l.o.What)
	}
	if sameAddress(feeds[0], l.o.What) {
		return l.newestOf(ctx, page)
	}
	var first sighting
	var failed error
	for _, address := range feeds[:min(len(feeds), discoverMost)] {
		f, _ := l.feedAt(address)
		s, err := l.read(ctx, f)
		if err != nil {
			failed = cmp.Or(failed, err)
			continue
		}
		if e, ok := entryAt(s.reading, l.o.What); ok {
			s.entries = []feed.ReadEntry{e}
			return []sighting{s}, nil
		}
		if first.reading == nil {
			first = s
		}
	}
	return l.pageOf(first, failed)
}

// pageOf shows the feed of a page that is no entry. A page with no entries below it is taken for an entry that has
// left the feed, or was never in it.
func (l *looker) pageOf(s sighting, failed error) ([]sighting, error) {
	if s.reading == nil {
		return nil, failed
	}
	if !isAbove(l.o.What, s.feed.URL, s.reading.Entries) {
		text := fmt.Sprintf("%s is not in its feed %s, which has %d entries", l.o.What, s.feed.URL, len(s.reading.Entries))
		if last := newest(s.reading, len(s.reading.Entries)); len(last) > 0 && last[len(last)-1].Dated {
			text += ", back to " + last[len(last)-1].Date.Format("2006-01-02")
		}
		return nil, errors.New(text + "; crier sees only what stands in the feed")
	}
	s.entries = newest(s.reading, l.o.Newest)
	if len(s.entries) == 0 {
		return []sighting{s}, fmt.Errorf("feed %s: there are no entries in it", s.feed.URL)
	}
	return []sighting{s}, nil
}

// entryAt finds the entry with that address.
func entryAt(r *feed.Reading, address string) (feed.ReadEntry, bool) {
	want := pageKey(address)
	for _, e := range r.Entries {
		if e.URL != "" && pageKey(e.URL) == want {
			return e, true
		}
	}
	return feed.ReadEntry{}, false
}

// isAbove tells that a page is one with entries, as a blog's front page is: the feed or an entry lies below it.
func isAbove(page, feedURL string, entries []feed.ReadEntry) bool {
	u, err := url.Parse(page)
	if err != nil {
		return false
	}
	if name := path.Base(u.Path); strings.HasPrefix(name, "index.") {
		u.Path = path.Dir(u.Path)
	}
	above := strings.TrimSuffix(pageKey(u.String()), "/") + "/"
	below := func(address string) bool { return strings.HasPrefix(pageKey(address), above) }
	return strings.Trim(u.Path, "/") == "" || below(feedURL) ||
		slices.ContainsFunc(entries, func(e feed.ReadEntry) bool { return below(e.URL) })
}

// sameAddress tells that two addresses are spellings of one.
func sameAddress(a, b string) bool {
	ua, errA := url.Parse(a)
	ub, errB := url.Parse(b)
	if errA != nil || errB != nil {
		return a == b
	}
	return strings.EqualFold(ua.Scheme, ub.Scheme) && host(ua) == host(ub) &&
		strings.TrimPrefix(ua.EscapedPath(), "/") == strings.TrimPrefix(ub.EscapedPath(), "/") && ua.RawQuery == ub.RawQuery
}

// pageKey is an address in the form in which addresses of one page are equal: without scheme, www., fragment, and
// slash at the end.
func pageKey(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return address
	}
	key := strings.TrimPrefix(host(u), "www.") + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	return key
}

// host is the host of an address in lower case, without the scheme's own port.
func host(u *url.URL) string {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return name
	}
	return net.JoinHostPort(name, port)
}
