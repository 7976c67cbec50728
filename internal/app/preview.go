package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"crier/content"
	"crier/federation"
	"crier/feed"
	"crier/internal/config"
	"crier/internal/extras"
	"crier/internal/netguard"
)

// PreviewOptions say what is to be looked at.
type PreviewOptions struct {
	Log     *slog.Logger
	Version string
	What    string // address or file of a feed, address of an entry or of a page that names a feed; empty: all configured feeds
	Newest  int    // so many of the newest entries of each feed
	Offline bool   // pages and pictures of the entries are not fetched
}

// Previewed is how entries come out as posts.
type Previewed struct {
	Name   string // as whose posts they are shown
	Avatar string // http(s) URL, or the picture itself as a data: URL; empty: none
	Feeds  []PreviewedFeed
	Posts  []PreviewedPost // feed by feed, the newest first
}

// PreviewedFeed is a feed that was read.
type PreviewedFeed struct {
	URL, Title string
	Configured bool
	Advice     []string // what could be better in it
}

// PreviewedPost is one post.
type PreviewedPost struct {
	federation.PreviewedPost
	Feed, URL, Title string
	Date             time.Time // zero: the entry has none
	PageImage        string    // address of the picture with which the entry's page wants to be shown, where it is known
	Warnings         []string
}

// Preview makes posts of entries as publishing them would, with the settings of cfg; a feed that is not configured
// has those that a feed has by default. It needs neither store nor daemon, and stores nothing. Where only some of
// the feeds can be read, the posts of the others come beside the error.
func Preview(ctx context.Context, cfg *config.Config, o PreviewOptions) (*Previewed, error) {
	l := &looker{cfg: cfg, o: o, guard: newGuard(cfg, "")}
	seen, failed := l.find(ctx)
	out, err := l.show(ctx, seen)
	return out, errors.Join(failed, err)
}

// looker is one look.
type looker struct {
	cfg   *config.Config
	o     PreviewOptions
	guard *netguard.Guard
}

// sighting is a feed as it was read, with the entries that are to be shown.
type sighting struct {
	feed       config.Feed
	style      content.Style
	configured bool
	reading    *feed.Reading
	entries    []feed.ReadEntry
}

// show renders what was found.
func (l *looker) show(ctx context.Context, seen []sighting) (*Previewed, error) {
	if len(seen) == 0 {
		return nil, nil
	}
	server, err := l.server(seen)
	if err != nil {
		return nil, err
	}
	out := &Previewed{Name: l.cfg.Account.Name, Avatar: l.avatar()}
	for _, s := range seen {
		if out.Name == "" {
			out.Name = s.reading.Title
		}
		out.Feeds = append(out.Feeds, PreviewedFeed{
			URL: s.feed.URL, Title: s.reading.Title, Configured: s.configured, Advice: s.reading.Advice,
		})
		posts, err := l.posts(ctx, server, s)
		if err != nil {
			return nil, err
		}
		out.Posts = append(out.Posts, posts...)
	}
	return out, nil
}

// server is one that can render, and that nobody will ever ask: a key for the moment is good enough.
func (l *looker) server(seen []sighting) (*federation.Server, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make a key for the moment: %w", err)
	}
	all := map[string]content.Style{}
	for _, s := range seen {
		all[s.feed.URL] = s.style
	}
	return federation.New(federation.Config{
		Key: key, Log: l.o.Log, Transport: l.guard.Transport(netguard.TransportOptions{}),
		BaseURL: l.cfg.BaseURL, Handle: l.cfg.Account.Handle.String(), Feeds: all, Version: l.o.Version,
	}), nil
}

// posts makes the posts of one feed. The looks at pages and pictures take time, so they are had side by side.
func (l *looker) posts(ctx context.Context, server *federation.Server, s sighting) ([]PreviewedPost, error) {
	looks := extras.New(extras.Config{
		Log: l.o.Log, Transport: l.transport(s.feed), Media: l.cfg.BaseURL + "/media/", UserAgent: userAgent(l.cfg, l.o.Version),
		Styles: map[string]content.Style{s.feed.URL: s.style},
	})
	posts := make([]PreviewedPost, len(s.entries))
	var group errgroup.Group
	group.SetLimit(looksAtOnce)
	for i, e := range s.entries {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var x content.Extras
			if !l.o.Offline {
				asked := e.Entry
				if !extras.OwnPage(e.URL, e.Key) {
					asked.URL = ""
				}
				x = looks.Look(ctx, s.feed.URL, asked)
			}
			var err error
			posts[i], err = l.post(server, s, e, x)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return posts, ctx.Err() // half a look is none
}

// looksAtOnce is how many entries' pages and pictures are fetched at the same time.
const looksAtOnce = 4

func (l *looker) post(server *federation.Server, s sighting, e feed.ReadEntry, x content.Extras) (PreviewedPost, error) {
	now := time.Now()
	date := e.Date
	if !e.Dated || date.After(now) {
		date = now // as publishing does
	}
	made, err := server.Preview(s.feed.URL, e.Entry, e.Key, date, x)
	if err != nil {
		return PreviewedPost{}, fmt.Errorf("make a post of %s: %w", cmp.Or(e.URL, e.Title), err)
	}
	out := PreviewedPost{
		PreviewedPost: made, Feed: s.feed.URL, URL: e.URL, Title: content.PlainText(e.Title),
		Warnings: content.Advise(e.Entry, x, s.style.For(e.Entry).Options, made.Post),
	}
	if x.Image != nil {
		out.PageImage = x.Image.URL
	}
	switch {
	case !e.Dated:
		out.Warnings = append(out.Warnings, "no date: it would be dated with the moment crier first sees it")
	case e.Date.After(now):
		out.Date = e.Date
		out.Warnings = append(out.Warnings, "dated in the future: it would wait until then")
	default:
		out.Date = e.Date
	}
	return out, nil
}

// transport reaches the world, and the place of a feed wherever that is if the owner named it.
func (l *looker) transport(f config.Feed) http.RoundTripper {
	var trust []string
	place := f.HostPort()
	named := config.Feed{URL: l.o.What}
	if place != "" && (l.isConfigured(f.URL) || isWeb(l.o.What) && place == named.HostPort()) {
		trust = append(trust, place)
	}
	return l.guard.Transport(netguard.TransportOptions{Trust: trust})
}

func (l *looker) isConfigured(address string) bool {
	return slices.ContainsFunc(l.cfg.Feeds, func(f config.Feed) bool { return f.URL == address })
}

// maxAvatar is the largest local picture that goes into a page, in bytes.
const maxAvatar = 2 << 20

// avatar is the picture of the account. A local file is not stored for /media/ as a start of the daemon would do, but
// comes along whole.
func (l *looker) avatar() string {
	a := l.cfg.Account.Avatar
	if a.File == "" {
		return a.URL
	}
	b, err := os.ReadFile(a.File)
	if err != nil || len(b) > maxAvatar {
		return "" // `crier check` says what is wrong with it
	}
	kind := http.DetectContentType(b)
	if pictureExt(kind) == "" {
		return ""
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b)
}
