package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/html"

	"crier/feed"
	"crier/internal/config"
	"crier/internal/netguard"
)

// feeds are the looks at the configured feeds.
func (c *checker) feeds() []func(context.Context) []CheckItem {
	var looks []func(context.Context) []CheckItem
	for _, f := range c.cfg.Feeds {
		looks = append(looks, func(ctx context.Context) []CheckItem { return c.feed(ctx, f) })
	}
	return looks
}

// feed reads a feed as a poll would, and looks at its newest entry.
func (c *checker) feed(ctx context.Context, f config.Feed) []CheckItem {
	subject := "feed " + f.URL
	var trust []string
	if place := f.HostPort(); place != "" {
		trust = append(trust, place)
	}
	transport := c.noting(c.guard.Transport(netguard.TransportOptions{Trust: trust}))
	r, err := feed.Read(ctx, feed.Config{URL: f.URL, Transport: transport}, c.cfg.Account.Handle.Host, userAgent(c.cfg, c.o.Version))
	if err != nil {
		mend := "correct the feed, or its address in the configuration; `crier preview PAGE` finds the feeds of a page"
		return append([]CheckItem{{subject, CheckWrong, err.Error(), mend}}, c.known(subject, f)...)
	}
	items := []CheckItem{c.summary(subject, f, r)}
	items = append(items, c.known(subject, f)...)
	for _, a := range r.Advice {
		items = append(items, CheckItem{subject, CheckWarn, a, ""})
	}
	if latest := newest(r, 1); len(latest) > 0 {
		items = append(items, c.entry(ctx, latest[0])...)
	}
	return items
}

func (c *checker) summary(subject string, f config.Feed, r *feed.Reading) CheckItem {
	if len(r.Entries) == 0 {
		return CheckItem{subject, CheckWarn, "can be read, but there are no entries in it", "see whether it is the right feed"}
	}
	facts := []string{count(len(r.Entries), "entry")}
	if latest := newest(r, 1)[0]; latest.Dated {
		facts = append(facts, "the newest of "+latest.Date.Format("2006-01-02"))
	} else {
		facts = append(facts, "without dates")
	}
	if r.Language != "" {
		facts = append(facts, "language "+r.Language)
	}
	facts = append(facts, "polled every "+shortSpan(f.Interval))
	if known := c.local.feed(f.URL); known.Push == "active" {
		facts = append(facts, "and "+known.Hub+" tells of news")
	}
	return CheckItem{subject, CheckOK, strings.Join(facts, ", "), ""}
}

// shortSpan is a duration without the zeros at its end: "15m", "1h".
func shortSpan(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// known adds what crier remembers of a feed and the owner should know.
func (c *checker) known(subject string, f config.Feed) []CheckItem {
	var items []CheckItem
	k := c.local.feed(f.URL)
	if k.Held > 0 {
		items = append(items, CheckItem{subject, CheckWarn, count(k.Held, "entry") + " held back, since too many came at once",
			"send them with `crier poll --release`, or keep them unsent with `crier poll --discard`"})
	}
	if k.LastError != "" {
		items = append(items, CheckItem{subject, CheckNote, "the last poll failed: " + k.LastError, ""})
	}
	if k.PushError != "" {
		items = append(items, CheckItem{subject, CheckNote, "the hub " + k.Hub + ": " + k.PushError, ""})
	}
	return items
}

// entry looks at the newest entry: its page, and its post.
func (c *checker) entry(ctx context.Context, e feed.ReadEntry) []CheckItem {
	if !isWeb(e.URL) {
		return nil
	}
	known, stored := c.local.posts[pageKey(e.URL)]
	id := c.ids.Post(e.Key)
	if stored {
		id = known.ID
	}
	items := []CheckItem{c.page(ctx, e.URL, id)}
	if stored && c.local.status.Running {
		items = append(items, c.post(ctx, id, known.Visibility))
	}
	return items
}

// page looks whether an entry's page names its post: then people can paste the page's address into the search of
// their server, and Mastodon shows the post in place of a card.
func (c *checker) page(ctx context.Context, address, id string) CheckItem {
	subject := "page " + address
	line := `<link rel="alternate" type="` + typeActivity + `" href="` + id + `">`
	a, err := c.others().get(ctx, address, "text/html")
	switch {
	case err != nil:
		return unasked(subject, "the newest entry's page", err, "see whether the feed has the right addresses")
	case a.status != http.StatusOK:
		return CheckItem{subject, CheckWrong, "the newest entry's page answers " + showStatus(a.status), "see whether the feed has the right addresses"}
	}
	links := linksOf(a.body, "alternate")
	var other string
	for _, l := range links {
		if kind, _, _ := strings.Cut(l.kind, ";"); !strings.EqualFold(strings.TrimSpace(kind), typeActivity) {
			continue
		}
		if l.href == id {
			return CheckItem{subject, CheckOK, "names its post", ""}
		}
		other = l.href
	}
	text := "does not name its post, so a search for the page's address does not find it"
	if other != "" {
		text = "names " + other + " as its post, which is not its id"
	}
	return CheckItem{subject, CheckWarn, text, "write into its head, and likewise for every entry: " + line}
}

// post looks whether a post that exists is served.
func (c *checker) post(ctx context.Context, id, visibility string) CheckItem {
	subject := "post " + id
	a, err := c.ours().get(ctx, id, typeActivity)
	if err != nil {
		return unasked(subject, id, err, c.proxyMend())
	}
	refused := a.status == http.StatusUnauthorized || a.status == http.StatusForbidden
	switch {
	case refused && visibility == config.VisibilityFollowers:
		return CheckItem{subject, CheckOK, "is shown to followers only", ""}
	case refused && c.cfg.Network.SecureMode:
		return CheckItem{subject, CheckOK, "is shown to servers that sign (secure_mode)", ""}
	}
	var doc struct {
		ID string `json:"id"`
	}
	if a.status != http.StatusOK || a.kind() != typeActivity || json.Unmarshal(a.body, &doc) != nil || doc.ID != id {
		return CheckItem{subject, CheckWrong, fmt.Sprintf("the newest post is not served: %s, type %q", showStatus(a.status), a.kind()), c.proxyMend()}
	}
	return CheckItem{subject, CheckOK, "is served", ""}
}

// fields are the looks at pages that the profile links to: Mastodon marks them as proved where they link back.
func (c *checker) fields() []func(context.Context) []CheckItem {
	var looks []func(context.Context) []CheckItem
	for _, f := range c.cfg.Account.Fields {
		if strings.HasPrefix(f.Value, "https://") && strings.HasPrefix(fieldHTML(f.Value), "<a ") {
			looks = append(looks, func(ctx context.Context) []CheckItem { return []CheckItem{c.backlink(ctx, f.Value)} })
		}
	}
	return looks
}

func (c *checker) backlink(ctx context.Context, address string) CheckItem {
	subject := "profile link " + address
	a, err := c.others().get(ctx, address, "text/html")
	if err != nil || a.status != http.StatusOK {
		text := "cannot be fetched"
		if err == nil {
			text = "answers " + showStatus(a.status)
		} else {
			text += ": " + err.Error()
		}
		return CheckItem{subject, CheckWarn, text, "correct the address in account.fields"}
	}
	for _, l := range linksOf(a.body, "me") {
		if strings.TrimSuffix(l.href, "/") == c.ids.Actor() {
			return CheckItem{subject, CheckOK, "links back, so that Mastodon shows it as proved", ""}
		}
	}
	return CheckItem{subject, CheckNote, "does not link back, so that Mastodon does not show it as proved",
		`write into that page: <link rel="me" href="` + c.ids.Actor() + `">`}
}

// link is an element that links to something.
type link struct{ href, kind string }

// linksOf returns the links of a page that have a relation.
func linksOf(page []byte, rel string) (list []link) {
	z := html.NewTokenizer(strings.NewReader(string(page)))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return list
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if t.Data != "link" && t.Data != "a" {
				continue
			}
			attrs := map[string]string{}
			for _, a := range t.Attr {
				attrs[a.Key] = strings.TrimSpace(a.Val)
			}
			for r := range strings.FieldsSeq(attrs["rel"]) {
				if strings.EqualFold(r, rel) {
					list = append(list, link{attrs["href"], attrs["type"]})
				}
			}
		}
	}
}
