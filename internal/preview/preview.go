package preview

import (
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"

	"crier/content"
)

// Sheet is everything that is shown at once.
type Sheet struct {
	Account Account
	Posts   []Post // in the order in which they are shown
	Feeds   []Feed
}

// Account is whose posts they are.
type Account struct {
	Name   string
	Handle string // user@host
	Avatar string // http(s) URL, or the picture itself as a data: URL; empty: none
}

// Post is one post and what there is to say of it.
type Post struct {
	Content    content.Post
	ID         string
	URL        string // of the entry
	Title      string // of the entry, plain text; may be empty
	Feed       string
	Date       time.Time       // shown in its own zone
	Visibility string          // "public", "unlisted" or "followers"
	Skipped    bool            // a rule keeps it from being sent
	Create     json.RawMessage // the activity, as it would be sent
	CardImage  string          // address of the picture that the entry's page names for itself, where it is known
	Warnings   []string
}

// Feed is what there is to say of a whole feed.
type Feed struct {
	URL    string
	Title  string
	Advice []string
}

// Card is the box with which Mastodon shows where a post links to.
type Card struct {
	URL, Title, Host, Image string
}

// Card returns the card that Mastodon (4.2 to 4.7) would make: of the first link that is neither hashtag nor
// mention, and only where nothing is attached. Its title is the linked page's own; where that is not the entry, the
// address stands in for it.
func (p Post) Card() (Card, bool) {
	if len(p.Content.Attachments) > 0 {
		return Card{}, false
	}
	href := firstLink(p.Content.HTML)
	u, err := url.Parse(href)
	if err != nil || u.Hostname() == "" {
		return Card{}, false
	}
	c := Card{URL: href, Title: bare(href), Host: strings.TrimPrefix(u.Hostname(), "www.")}
	if bare(href) == bare(p.URL) {
		c.Image = p.CardImage
		if p.Title != "" {
			c.Title = p.Title
		}
	}
	return c, true
}

// firstLink returns the target of the first link that is no hashtag.
func firstLink(fragment string) string {
	z := html.NewTokenizer(strings.NewReader(fragment))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken:
			t := z.Token()
			href := attr(t, "href")
			if t.Data == "a" && href != "" && !isHashtag(t) {
				return href
			}
		}
	}
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func isHashtag(t html.Token) bool {
	return strings.Contains(" "+attr(t, "class")+" ", " mention ")
}

// bare is an address without what readers are usually not shown.
func bare(address string) string {
	s := strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://")
	return strings.TrimSuffix(strings.TrimPrefix(s, "www."), "/")
}
