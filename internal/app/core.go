package app

import (
	"context"
	"crypto/rsa"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"crier/content"
	"crier/federation"
	"crier/feed"
	"crier/internal/admin"
	"crier/internal/config"
	"crier/internal/extras"
	"crier/internal/netguard"
	"crier/internal/notice"
	"crier/internal/websub"
	"crier/store"
)

// parts are what build puts together.
type parts struct {
	db        *store.DB
	account   store.Account
	key       *rsa.PrivateKey
	log       *slog.Logger
	version   string
	former    *store.DB     // of the former account; nil: there is none, or it is not served
	listening string        // our own address, where there is one
	serves    bool          // others will see the profile
	spacing   time.Duration // between the news of one poll; 0: the feed package decides
	lease     time.Duration
}

// core is crier without sockets and loops: what daemon and offline commands share.
type core struct {
	server  *federation.Server
	poller  *feed.Poller
	extras  *extras.Worker
	websub  *websub.Subscriber
	notices *notice.Notifier
	ops     *admin.Ops
	former  *former // nil: there is none
}

// lookPatience is how long a new post waits for a look at its pictures. A slow host must not hold it up for long.
const lookPatience = 20 * time.Second

func build(ctx context.Context, cfg *config.Config, p parts) (*core, error) {
	guard := newGuard(cfg, p.listening)
	looks, err := styles(cfg)
	if err != nil {
		return nil, err
	}
	fc := federation.Config{
		Store: p.db, Key: p.key, Ed25519: ed25519Of(p.account), Log: p.log.With("component", "federation"),
		Transport:    guard.Transport(netguard.TransportOptions{HTTPSOnly: !cfg.Network.AllowHTTP}),
		OwnTransport: guard.Transport(toOurselves(cfg)),
		BaseURL:      cfg.BaseURL, Handle: cfg.Account.Handle.String(), Aliases: cfg.Webfinger.Aliases,
		Feeds: looks, Version: p.version, AllowHTTP: cfg.Network.AllowHTTP, SecureMode: cfg.Network.SecureMode, Lease: p.lease,
	}
	if p.serves {
		fc.Patience = lookPatience
	}
	if fc.Profile, err = profile(cfg, p.account, p.db); err != nil {
		return nil, err
	}
	if fc.Presence, err = p.db.Presence(); err != nil {
		return nil, fmt.Errorf("read the account: %w", err)
	}
	c := &core{server: federation.New(fc)}
	if p.serves {
		if _, err := c.server.LearnAliases(ctx); err != nil {
			return nil, err
		}
	}
	if p.former != nil {
		if err := c.addFormer(cfg, p, p.former); err != nil {
			return nil, err
		}
	}
	feeds := feedConfigs(cfg, guard, looks)
	c.lookers(cfg, p, feeds, guard.Transport(netguard.TransportOptions{}), looks)
	c.feeds(cfg, p, feeds)
	c.ops = c.operations(cfg, p)
	return c, nil
}

// feeds wires what reads the feeds. Whoever waits for news is woken after every poll that brought some.
func (c *core) feeds(cfg *config.Config, p parts, feeds []feed.Config) {
	c.poller = feed.NewPoller(feed.Options{
		Store: p.db, Feeds: feeds, HandleHost: cfg.Account.Handle.Host,
		UserAgent: userAgent(cfg, p.version), Log: p.log.With("component", "feed"), Spacing: p.spacing,
		Notify: func() {
			c.extras.Wake()
			c.websub.Wake()
			c.notices.Wake()
			c.server.WakePublisher()
		},
		Pushed: func(feed string) bool { return c.websub.Healthy(feed) },
		Found:  func(feed string) { c.websub.Missed(feed) },
	})
}

// lookers wires what asks others about entries and feeds, and what tells the owner.
func (c *core) lookers(cfg *config.Config, p parts, feeds []feed.Config, open http.RoundTripper, looks map[string]content.Style) {
	agent := userAgent(cfg, p.version)
	own := make(map[string]http.RoundTripper, len(feeds))
	var hubbed []string
	for i, f := range feeds {
		own[f.URL] = f.Transport
		if cfg.Feeds[i].WebSub {
			hubbed = append(hubbed, f.URL)
		}
	}
	c.extras = extras.New(extras.Config{
		Store: p.db, Log: p.log.With("component", "extras"), Transport: open, Transports: own, Styles: looks,
		Media: cfg.BaseURL + "/media/", UserAgent: agent, Notify: c.server.WakePublisher,
	})
	c.websub = websub.New(websub.Config{
		Store: p.db, Log: p.log.With("component", "websub"), Transport: open, BaseURL: cfg.BaseURL, UserAgent: agent,
		Feeds: hubbed, Poll: c.pollOne,
	})
	c.notices = notice.New(notice.Config{
		Store: p.db, Log: p.log.With("component", "notice"), Transport: open, URL: string(cfg.NoticeURL),
		UserAgent: agent, Account: cfg.Account.Handle.String(), Feeds: feedURLs(cfg),
	})
}

// pollOne polls one feed because somebody told of news, and reports whether there were some.
func (c *core) pollOne(ctx context.Context, address string) bool {
	out, known := c.poller.Poll(ctx, address, feed.PollOptions{Fresh: true})
	return known && out.New+out.Changed+out.Removed+out.Held > 0
}

func feedURLs(cfg *config.Config) []string {
	var all []string
	for _, f := range cfg.Feeds {
		all = append(all, f.URL)
	}
	return all
}

func (c *core) operations(cfg *config.Config, p parts) *admin.Ops {
	o := &admin.Ops{
		Store: p.db, StorePath: filepath.Join(cfg.DataDir, storeFile), Actor: actorURL(cfg), Version: p.version,
		Poll: func(ctx context.Context, dryRun bool) ([]admin.PolledFeed, error) {
			return polled(c.poller.PollAll(ctx, feed.PollOptions{DryRun: dryRun})), nil
		},
		Settle: func(_ context.Context, release bool) (int, error) { return c.poller.Settle("", release) },
		Find:   c.server.Lookup,
		Handle: c.server.Handle, Handles: c.server.Handles,
		Moving: c.moving(mover{c.server, cfg.Account.Handle.String()}, cfg.Former),
	}
	o.Feeds = feedURLs(cfg)
	if c.former != nil {
		o.Former = c.former.account
	}
	c.people(o)
	o.Hand = c.hand()
	o.WakeDeliverer = c.server.WakeDeliverer
	return o
}

func polled(outcomes []feed.Outcome) []admin.PolledFeed {
	out := make([]admin.PolledFeed, len(outcomes))
	for i, f := range outcomes {
		out[i] = admin.PolledFeed{
			URL: f.URL, New: f.New, Changed: f.Changed, Removed: f.Removed, Held: f.Held, Error: f.Error, Why: f.Why,
		}
		for _, it := range f.Items {
			out[i].Items = append(out[i].Items, admin.PolledItem{Action: it.Action, Title: it.Title, URL: it.URL})
		}
	}
	return out
}

func feedConfigs(cfg *config.Config, guard *netguard.Guard, looks map[string]content.Style) []feed.Config {
	out := make([]feed.Config, 0, len(cfg.Feeds))
	for _, f := range cfg.Feeds {
		var trust []string
		if hostPort := f.HostPort(); hostPort != "" {
			trust = append(trust, hostPort)
		}
		out = append(out, feed.Config{
			URL: f.URL, Interval: f.Interval, IntervalSet: f.IntervalSet,
			Backfill: f.Backfill, MaxNew: f.MaxNew, MaxAge: f.MaxAge, Grace: f.Grace,
			Deletions: f.Deletions, ConfirmAfter: f.ConfirmAfter,
			Style:     looks[f.URL],
			Transport: guard.Transport(netguard.TransportOptions{Trust: trust}),
		})
	}
	return out
}

// userAgent names us with an address where the owner can be found, as other servers' admins expect.
func userAgent(cfg *config.Config, version string) string {
	return fmt.Sprintf("crier/%s (+%s)", version, cfg.BaseURL)
}
