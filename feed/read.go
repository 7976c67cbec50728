package feed

import (
	"context"
	"net/http"
	"slices"
	"time"

	"crier/content"
	"crier/store"
)

// Reading is a feed as it was read once, for a look at it: nothing is stored, and nothing that is stored counts.
type Reading struct {
	URL      string // as asked for
	Title    string // plain text
	Kind     string // "rss", "rdf", "atom" or "json"
	Language string // BCP 47 as written, may be empty
	Advice   []string
	Entries  []ReadEntry // in the order of the document
}

// ReadEntry is one entry of a Reading.
type ReadEntry struct {
	content.Entry           // its URL included
	Key           string    // that a first poll would give it: what its post's id is made of
	GUID          string    // may be empty
	Date          time.Time // of publication, else of the last change; zero if undated
	Dated         bool
}

// Read fetches and parses a feed as a first poll of it would. Of cfg, its URL and Transport count. The error is in
// the owner's terms.
func Read(ctx context.Context, cfg Config, handleHost, userAgent string) (*Reading, error) {
	client := &http.Client{Transport: cfg.Transport, CheckRedirect: limitRedirects(fetchRedirects)}
	got, err := fetch(ctx, client, cfg, store.Feed{URL: cfg.URL}, userAgent)
	if err != nil {
		return nil, err
	}
	doc, err := Parse(got.body, got.source(cfg.URL))
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	host := BlogHost(doc.Link, cfg.URL, handleHost)
	r := &Reading{URL: cfg.URL, Title: doc.Title, Kind: doc.Kind, Language: doc.Language, Advice: doc.advice(cfg, host, now)}
	subjects := subjectsOf(doc, host, baseURL(doc.Link, cfg.URL))
	keys := firstKeys(cfg.URL, host, subjects)
	for _, s := range subjects {
		r.Entries = append(r.Entries, ReadEntry{Entry: s.Entry, Key: keys[s], GUID: s.GUID, Date: s.date, Dated: !s.date.IsZero()})
	}
	return r, nil
}

// firstKeys gives items the keys that the first poll of a feed gives them: the oldest chooses first.
func firstKeys(feedURL, host string, subjects []*subject) map[*subject]string {
	p := &planner{input: input{feed: store.Feed{URL: feedURL}}, host: host, keys: map[string]bool{}}
	sorted := slices.Clone(subjects)
	oldestFirst(sorted)
	keys := make(map[*subject]string, len(sorted))
	for _, s := range sorted {
		keys[s] = p.newKey(s)
	}
	return keys
}
