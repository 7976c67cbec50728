package app

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"crier/content"
	"crier/federation"
	"crier/feed"
	"crier/internal/admin"
	"crier/internal/config"
	"crier/internal/netguard"
	"crier/store"
)

// parts are what build puts together.
type parts struct {
	db        *store.DB
	account   store.Account
	key       *rsa.PrivateKey
	log       *slog.Logger
	version   string
	listening string        // our own address, where there is one
	serves    bool          // others will see the profile
	spacing   time.Duration // between the news of one poll; 0: the feed package decides
	lease     time.Duration
}

// core is crier without sockets and loops: what daemon and offline commands share.
type core struct {
	server *federation.Server
	poller *feed.Poller
	ops    *admin.Ops
}

func build(ctx context.Context, cfg *config.Config, p parts) (*core, error) {
	guard := newGuard(cfg, p.listening)
	fc := federation.Config{
		Store: p.db, Key: p.key, Log: p.log.With("component", "federation"),
		Transport:    guard.Transport(netguard.TransportOptions{HTTPSOnly: !cfg.Network.AllowHTTP}),
		OwnTransport: guard.Transport(toOurselves(cfg)),
		BaseURL:      cfg.BaseURL, Handle: cfg.Account.Handle.String(), Aliases: cfg.Webfinger.Aliases,
		Feeds: feedRules(cfg), Version: p.version, AllowHTTP: cfg.Network.AllowHTTP, Lease: p.lease,
	}
	var err error
	if fc.Profile, err = profile(cfg, p.account); err != nil {
		return nil, err
	}
	known := aliasBook{path: filepath.Join(cfg.DataDir, aliasFile), log: p.log}
	if p.serves {
		known.lookup = func(ctx context.Context, what string) (json.RawMessage, string, error) {
			// Lookups need a server, and the server's profile needs lookups: this one is for them alone.
			return federation.New(fc).Lookup(ctx, what)
		}
	}
	fc.Profile.AlsoKnownAs = known.resolve(ctx, cfg.Account.AlsoKnownAs)
	c := &core{server: federation.New(fc)}
	c.poller = feed.NewPoller(feed.Options{
		Store: p.db, Feeds: feedConfigs(cfg, guard), HandleHost: cfg.Account.Handle.Host,
		UserAgent: userAgent(cfg, p.version), Log: p.log.With("component", "feed"), Notify: c.server.WakePublisher,
		Spacing: p.spacing,
	})
	c.ops = c.operations(cfg, p)
	return c, nil
}

func (c *core) operations(cfg *config.Config, p parts) *admin.Ops {
	o := &admin.Ops{
		Store: p.db, StorePath: filepath.Join(cfg.DataDir, storeFile), Actor: actorURL(cfg), Version: p.version,
		Poll: func(ctx context.Context, dryRun bool) ([]admin.PolledFeed, error) {
			return polled(c.poller.PollAll(ctx, feed.PollOptions{DryRun: dryRun})), nil
		},
		Settle: func(_ context.Context, release bool) (int, error) { return c.poller.Settle("", release) },
		Find:   c.server.Lookup,
	}
	for _, f := range cfg.Feeds {
		o.Feeds = append(o.Feeds, f.URL)
	}
	return o
}

func polled(outcomes []feed.Outcome) []admin.PolledFeed {
	out := make([]admin.PolledFeed, len(outcomes))
	for i, f := range outcomes {
		out[i] = admin.PolledFeed{
			URL: f.URL, New: f.New, Changed: f.Changed, Removed: f.Removed, Held: f.Held, Error: f.Error,
		}
		for _, it := range f.Items {
			out[i].Items = append(out[i].Items, admin.PolledItem{Action: it.Action, Title: it.Title, URL: it.URL})
		}
	}
	return out
}

// renderOptions are the owner's wishes for the posts of one feed.
func renderOptions(cfg *config.Config, f config.Feed) content.Options {
	return content.Options{
		Mode: content.Mode(f.Content), Pictures: content.Pictures(f.Pictures), TagBase: cfg.BaseURL + "/tags/",
	}
}

func feedRules(cfg *config.Config) map[string]federation.FeedConfig {
	rules := make(map[string]federation.FeedConfig, len(cfg.Feeds))
	for _, f := range cfg.Feeds {
		rules[f.URL] = federation.FeedConfig{Render: renderOptions(cfg, f), Visibility: f.Visibility}
	}
	return rules
}

func feedConfigs(cfg *config.Config, guard *netguard.Guard) []feed.Config {
	out := make([]feed.Config, 0, len(cfg.Feeds))
	for _, f := range cfg.Feeds {
		var trust []string
		if hostPort := f.HostPort(); hostPort != "" {
			trust = append(trust, hostPort)
		}
		out = append(out, feed.Config{
			URL: f.URL, Interval: f.Interval, IntervalSet: f.IntervalSet,
			Backfill: f.Backfill, MaxNew: f.MaxNew, Grace: f.Grace,
			Deletions: f.Deletions, ConfirmAfter: f.ConfirmAfter,
			Render:    renderOptions(cfg, f),
			Transport: guard.Transport(netguard.TransportOptions{Trust: trust}),
		})
	}
	return out
}

// userAgent names us with an address where the owner can be found, as other servers' admins expect.
func userAgent(cfg *config.Config, version string) string {
	return fmt.Sprintf("crier/%s (+%s)", version, cfg.BaseURL)
}
