package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"crier/internal/app"
	"crier/internal/config"
	"crier/internal/preview"
)

// previewEntries is how many entries of a feed are shown, unless -n says otherwise.
const previewEntries = 3

// previewFlags are the flags of crier preview.
type previewFlags struct {
	html    string
	entries int
	offline bool
}

func previewCommand() command {
	var flags previewFlags
	return command{
		use: "preview [ENTRY|FEED]", short: "Show how entries come out as posts", more: 1,
		long: `Shows posts exactly as they would be sent, with what could be better about them. Nothing is
sent or stored.

Without a word: the newest entries of every configured feed. Else those of the feed named (an
address or a file, configured or not), or one entry: its address is looked for in the configured
feeds, then in the feed that its page names. The address of a blog will do, too.

Works without a configuration: then with the settings that crier has by default.`,
		flags: func(cmd *cobra.Command) {
			jsonFlag(cmd)
			cmd.Flags().StringVar(&flags.html, "html", "", "write a page that looks like a timeline to this file")
			cmd.Flags().IntVarP(&flags.entries, "entries", "n", previewEntries, "show so many of the newest entries of each feed")
			cmd.Flags().BoolVar(&flags.offline, "offline", false, "fetch the feeds only, not the pages and pictures of entries")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			switch {
			case flags.entries < 1:
				return usagef("crier preview", "-n %d: a number from 1 is wanted", flags.entries)
			case flags.html != "" && e.json:
				return usagef("crier preview", "only one of --html and --json makes sense")
			}
			return showPreview(ctx, e, strings.Join(args, ""), flags)
		},
	}
}

func showPreview(ctx context.Context, e *env, what string, flags previewFlags) error {
	cfg, err := e.previewConfig(what)
	if err != nil {
		return err
	}
	got, failed := app.Preview(ctx, cfg, app.PreviewOptions{
		Log: e.quietLog(), Version: Version, What: what, Newest: flags.entries, Offline: flags.offline,
	})
	if got == nil {
		return failed
	}
	e.sayWhose(cfg, got)
	sheet := previewSheet(cfg, got)
	switch {
	case e.json:
		err = e.printJSON(previewJSON(sheet))
	case flags.html != "":
		err = e.writePage(flags.html, sheet)
	default:
		d := e.display()
		if d.width == 0 {
			d.width = defaultWidth
		}
		err = preview.Terminal(d, sheet, preview.Screen{Width: d.width, Colour: d.colour, Clean: plain})
	}
	return errors.Join(failed, err)
}

// previewConfig returns the configuration. Where there is none at all, it makes one of nothing but defaults, for an
// account on the host of what is looked at: somebody who only wants to see what crier would make of a blog.
func (e *env) previewConfig(what string) (*config.Config, error) {
	cfg, _, err := e.loadConfig()
	if err == nil || e.isConfigured() {
		return cfg, err
	}
	if what == "" {
		return nil, errors.New("there is no configuration yet, so say what to look at: crier preview https://example.com/")
	}
	d := config.Default()
	d.BaseURL = "https://fedi.example.com"
	d.Account.Handle = config.Handle{User: "user", Host: "example.com"}
	if u, err := url.Parse(what); err == nil {
		if h, err := config.ParseHandle("user@" + strings.TrimPrefix(u.Host, "www.")); err == nil {
			d.Account.Handle = h
		}
	}
	return &d, nil
}

// isConfigured tells that somebody has begun to configure crier, rightly or not.
func (e *env) isConfigured() bool {
	if _, err := os.Stat(e.configPath); e.configExplicit || err == nil {
		return true
	}
	return slices.ContainsFunc(e.Environ, func(v string) bool {
		name, value, _ := strings.Cut(v, "=")
		return value != "" && slices.Contains(config.EnvNames(), name)
	})
}

// sayWhose says with which settings the posts were made.
func (e *env) sayWhose(cfg *config.Config, got *app.Previewed) {
	settings := "the settings of " + cfg.SourceFile
	switch {
	case len(cfg.Feeds) == 0:
		settings = "default settings, since there is no configuration"
	case cfg.SourceFile == "":
		settings = "the settings of the environment"
	}
	for _, f := range got.Feeds {
		used := settings
		if !f.Configured && len(cfg.Feeds) > 0 {
			used = "the settings of an unconfigured feed"
		}
		fmt.Fprintln(e.Err, line(fmt.Sprintf("%s, with %s", f.URL, used)))
	}
}

func previewSheet(cfg *config.Config, got *app.Previewed) preview.Sheet {
	s := preview.Sheet{Account: preview.Account{Name: got.Name, Handle: cfg.Account.Handle.String(), Avatar: got.Avatar}}
	for _, p := range got.Posts {
		s.Posts = append(s.Posts, preview.Post{
			Content: p.Post, ID: p.ID, URL: p.URL, Title: p.Title, Feed: p.Feed, Date: p.Date.Local(),
			Visibility: p.Visibility, Skipped: p.Skip, Create: p.Create, CardImage: p.PageImage, Warnings: p.Warnings,
		})
		if p.Date.IsZero() {
			s.Posts[len(s.Posts)-1].Date = time.Time{}
		}
	}
	for _, f := range got.Feeds {
		s.Feeds = append(s.Feeds, preview.Feed{URL: f.URL, Title: f.Title, Advice: f.Advice})
	}
	return s
}

// previewed is one post in JSON.
type previewed struct {
	Feed       string          `json:"feed"`
	URL        string          `json:"url"`
	Title      string          `json:"title"`
	ID         string          `json:"id"`
	Visibility string          `json:"visibility"`
	Skipped    bool            `json:"skipped"` // by a rule: the activity is not sent
	Activity   json.RawMessage `json:"activity"`
	HTML       string          `json:"html"`
	Warnings   []string        `json:"warnings"`
	Advice     []string        `json:"feed_advice"` // what could be better in the feed
}

func previewJSON(s preview.Sheet) []previewed {
	advice := map[string][]string{}
	for _, f := range s.Feeds {
		advice[f.URL] = f.Advice
	}
	out := []previewed{}
	for _, p := range s.Posts {
		out = append(out, previewed{
			Feed: p.Feed, URL: p.URL, Title: p.Title, ID: p.ID, Visibility: p.Visibility, Skipped: p.Skipped,
			Activity: p.Create, HTML: p.Content.HTML,
			Warnings: append([]string{}, p.Warnings...), Advice: append([]string{}, advice[p.Feed]...),
		})
	}
	return out
}

// replacePage writes a page, over an older one but over nothing else: FILE is easily taken for what is to be looked at.
func replacePage(file string, page []byte) error {
	old, err := os.ReadFile(file)
	ours := bytes.Contains(old[:min(len(old), pageStart)], []byte(preview.Mark))
	if err == nil && len(old) > 0 && !ours {
		return fmt.Errorf("%s is there already and is no preview; name another file for the page", file)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := os.WriteFile(file, page, 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// pageStart is within how many bytes a page of ours says that it is one.
const pageStart = 300

// writePage writes the page and says where to look at it. A page that cannot be made leaves the file as it was.
func (e *env) writePage(file string, s preview.Sheet) error {
	var page bytes.Buffer
	if err := preview.Page(&page, s); err != nil {
		return err
	}
	if err := replacePage(file, page.Bytes()); err != nil {
		return err
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	posts := "1 post"
	if len(s.Posts) != 1 {
		posts = fmt.Sprintf("%d posts", len(s.Posts))
	}
	fmt.Fprintf(e.Out, "%s; open %s\n", posts, (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String())
	return nil
}
