package app

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"crier/content"
	"crier/federation"
	"crier/internal/config"
	"crier/store"
)

// profile is what the actor shows of its owner. Local pictures are taken into the data directory, where
// /media/ serves them. What the feeds said last of the blog is read from the store.
func profile(cfg *config.Config, acc store.Account, db *store.DB) (federation.Profile, error) {
	a := cfg.Account
	read, err := db.Feeds()
	if err != nil {
		return federation.Profile{}, fmt.Errorf("read the feeds: %w", err)
	}
	p := federation.Profile{
		Name: a.Name, Summary: content.Markdown(a.Summary),
		ManuallyApproves: a.ManuallyApprovesFollowers, HideFollowers: a.HideFollowers,
		AlsoKnownAs:        a.AlsoKnownAs,
		AttributionDomains: attributionDomains(cfg, read), Published: acc.Created,
	}
	if p.Avatar, err = picture(cfg, a.Avatar); err != nil {
		return p, fmt.Errorf("account.avatar: %w", err)
	}
	if p.Header, err = picture(cfg, a.Header); err != nil {
		return p, fmt.Errorf("account.header: %w", err)
	}
	for _, f := range a.Fields {
		p.Fields = append(p.Fields, federation.Field{Name: f.Name, Value: fieldHTML(f.Value)})
	}
	return p, nil
}

// fieldHTML makes an address a link that Mastodon can verify: one <a> with rel="me" whose text is exactly
// its target (app/models/account/field.rb); any other value is text.
func fieldHTML(value string) string {
	shown := html.EscapeString(value)
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.ContainsAny(value, " \t\n") {
		return shown
	}
	return `<a href="` + shown + `" rel="me">` + shown + `</a>`
}

// attributionDomains are the hosts whose pages may name this account as their author: those of the blog. A feed
// that was read names the blog's own, which need not be the one that it is fetched from.
func attributionDomains(cfg *config.Config, read []store.Feed) []string {
	hosts := []string{cfg.Account.Handle.Host}
	for _, f := range cfg.Feeds {
		if u, err := url.Parse(f.URL); err == nil && u.Hostname() != "" {
			hosts = append(hosts, strings.ToLower(u.Hostname()))
		}
		i := slices.IndexFunc(read, func(r store.Feed) bool { return r.URL == f.URL })
		if i >= 0 && read[i].Host != "" {
			hosts = append(hosts, store.HostName("//"+read[i].Host))
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func picture(cfg *config.Config, p config.Picture) (federation.Picture, error) {
	if p.File == "" {
		return federation.Picture{URL: p.URL, Type: p.Type}, nil
	}
	name, kind, err := takeMedia(cfg.DataDir, p.File)
	if err != nil {
		return federation.Picture{}, err
	}
	return federation.Picture{URL: cfg.BaseURL + "/media/" + name, Type: kind}, nil
}

func isWeb(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

// actorURL is the id of the configured account.
func actorURL(cfg *config.Config) string {
	return federation.NewIDs(cfg.BaseURL, cfg.Account.Handle.User).Actor()
}
