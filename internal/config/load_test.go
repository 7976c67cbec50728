package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const minimal = `base_url = "https://fedi.example.com"
account.handle = "user@example.com"
[[feed]]
url = "https://example.com/index.xml"
`

// write puts a configuration into a folder of its own and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// load loads a configuration that must be good and give no warning.
func load(t *testing.T, file string, environ ...string) *Config {
	t.Helper()
	cfg, warnings, err := Load(file, true, environ)
	if err != nil || len(warnings) != 0 {
		t.Fatalf("load %s: %v, %v", file, warnings, err)
	}
	return cfg
}

func wantProblems(t *testing.T, err error, want ...string) {
	t.Helper()
	problems, ok := errors.AsType[Problems](err)
	if !ok {
		t.Fatalf("got %v, want Problems", err)
	}
	if diff := cmp.Diff(want, strings.Split(problems.Error(), "\n")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func prefixes(texts ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}

func TestLoadFull(t *testing.T) {
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		SourceFile:     "testdata/full.toml",
		BaseURL:        "https://fedi.example.com",
		Listen:         ":0",
		DataDir:        filepath.Join(dir, "var"),
		Former:         filepath.Join(dir, "site/old"),
		HookToken:      "s3cret-s3cret-s3cret",
		NoticeURL:      "https://ntfy.example/s3cret",
		TrustedProxies: prefixes("10.0.0.0/8", "192.0.2.7/32", "fd00::1/128"),
		Account: Account{
			Handle:                    Handle{"the.user_1", "xn--bcher-kva.example"},
			Name:                      "User",
			Summary:                   "I *write*.",
			Avatar:                    Picture{File: filepath.Join(dir, "site/avatar.png"), Type: "image/png"},
			Header:                    Picture{URL: "https://example.com/header.JPG?v=2", Type: "image/jpeg"},
			Fields:                    []Field{{"Blog", "https://example.com"}},
			ManuallyApprovesFollowers: true,
			HideFollowers:             true,
			AlsoKnownAs:               []string{"old@social.example", "https://social.example/Users/Old#me"},
		},
		Webfinger: Webfinger{Aliases: map[string]string{
			"blog@example.com":  AliasSelf,
			"other@example.com": "https://social.example/users/other",
		}},
		Feeds: []Feed{
			{
				URL: "http://example.com/", Interval: time.Second, IntervalSet: true, Content: ContentFull, Pictures: PicturesCard,
				Visibility: VisibilityUnlisted, Backfill: 0, Grace: 90 * time.Second, Pace: time.Minute, MaxNew: 1, Deletions: DeletionsNever,
				MaxAge: time.Hour, WebSub: false, Format: FormatArticle, Length: 100, Hashtags: HashtagsTag, MaxPictures: 1, PageImage: true,
				Language: "pt-BR", Quotes: QuotesNobody,
				Template: Template{File: filepath.Join(dir, "site/post.md"), Text: "**{{.Title}}**\n\n{{.Text}}\n"},
				Rules: []Rule{
					{Category: "drafts*", Skip: true},
					{Path: "/photos/*", Author: "Ann", Visibility: VisibilityUnlisted, Warning: "Food", Sensitive: true,
						Content: ContentLink, Pictures: PicturesNone, Hashtags: []string{"photo", "Größe"}},
				},
			},
			{
				URL: filepath.Join(dir, "site/index.xml"), Interval: 15 * time.Minute, Content: ContentLink, Pictures: PicturesNone,
				Visibility: VisibilityFollowers, Backfill: 20, MaxNew: 5, Deletions: DeletionsFeed, ConfirmAfter: 6 * time.Hour,
				WebSub: true, Format: FormatNote, Length: 500, Hashtags: HashtagsEnd, MaxPictures: 4, Quotes: QuotesEveryone,
			},
		},
		Network: Network{
			AllowPrivate: prefixes("127.0.0.0/8"),
			AllowHTTP:    true,
			SecureMode:   true,
			Resolve:      map[string]string{"*": "127.0.0.1:1", "example.com": "127.0.0.1:8080", "[::1]:443": "[::1]:8443"},
		},
	}
	got := load(t, "testdata/full.toml")
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	// A field that no key sets would stay at its default.
	differs(t, reflect.ValueOf(*got), reflect.ValueOf(Default()), "Config")
	differs(t, reflect.ValueOf(got.Feeds[0]), reflect.ValueOf(DefaultFeed()), "Feed")

	for i, wantFeed := range []string{"example.com:80", ""} {
		if hp := got.Feeds[i].HostPort(); hp != wantFeed {
			t.Errorf("feed %d lives at %q, want %q", i, hp, wantFeed)
		}
	}
}

func differs(t *testing.T, got, def reflect.Value, path string) {
	t.Helper()
	for i := range got.NumField() {
		name := path + "." + got.Type().Field(i).Name
		if got.Field(i).Kind() == reflect.Struct && strings.HasSuffix(got.Field(i).Type().PkgPath(), "/config") {
			differs(t, got.Field(i), def.Field(i), name)
			continue
		}
		if pictureSide := strings.HasSuffix(path, ".Avatar") || strings.HasSuffix(path, ".Header"); pictureSide {
			continue // one of its fields is always empty
		}
		if reflect.DeepEqual(got.Field(i).Interface(), def.Field(i).Interface()) {
			t.Errorf("%s is not set by testdata/full.toml", name)
		}
	}
}

func TestLoadMinimal(t *testing.T) {
	file := write(t, "\xef\xbb\xbf"+strings.ReplaceAll(minimal, "\n", "\r\n"))
	got := load(t, file)
	want := Default()
	want.SourceFile = file
	want.BaseURL = "https://fedi.example.com"
	want.DataDir = filepath.Join(filepath.Dir(file), "data")
	want.Account.Handle = Handle{"user", "example.com"}
	want.Account.Name = "user"
	feed := DefaultFeed()
	feed.URL = "https://example.com/index.xml"
	want.Feeds = []Feed{feed}
	if diff := cmp.Diff(&want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if h := got.BaseHost(); h != "fedi.example.com" {
		t.Errorf("base host %q", h)
	}
}

// TestLoadForTests: what only tests may have, and only where allow_http says so.
func TestLoadForTests(t *testing.T) {
	text := `base_url = "http://127.0.0.1:8080"
account.handle = "user@127.0.0.1:8080"
account.also_known_as = ["http://127.0.0.1:9000/users/old"]
webfinger.aliases."blog@localhost:8080" = "http://127.0.0.1:9000/users/other"
feed = [ { url = "http://127.0.0.1:7000/index.xml", interval = "15m" } ]
network.allow_http = true
`
	cfg := load(t, write(t, text))
	if cfg.BaseURL != "http://127.0.0.1:8080" || cfg.BaseHost() != "127.0.0.1:8080" || cfg.Account.Handle.String() != "user@127.0.0.1:8080" {
		t.Errorf("got %q, %q, %q", cfg.BaseURL, cfg.BaseHost(), cfg.Account.Handle)
	}
	if f := cfg.Feeds[0]; !f.IntervalSet || f.HostPort() != "127.0.0.1:7000" || f.IsFile() {
		t.Errorf("feed %+v", f)
	}
	_, _, err := Load(write(t, strings.Replace(text, "true", "false", 1)), true, nil)
	if problems, ok := errors.AsType[Problems](err); !ok || len(problems) != 4 {
		t.Errorf("without allow_http: %v, want 4 problems", err)
	}
}

func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if _, _, err := Load(DefaultFile, true, nil); err == nil || !strings.Contains(err.Error(), "config.example.toml") {
		t.Errorf("a missing file that was named: %v", err)
	}
	_, _, err := Load(DefaultFile, false, nil)
	wantProblems(t, err,
		"base_url: is missing, and there is no configuration file; copy config.example.toml to config.toml and edit it, or set CRIER_BASE_URL",
		"account.handle: is missing, and there is no configuration file; copy config.example.toml to config.toml and edit it, or set CRIER_ACCOUNT_HANDLE",
		"feed: is missing, and there is no configuration file; copy config.example.toml to config.toml and edit it, or set CRIER_FEED_URL",
	)
	if _, _, err := Load(dir, true, nil); err == nil {
		t.Error("a folder was read")
	}
	if err := os.WriteFile("big.toml", make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load("big.toml", true, nil); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a file too large: %v", err)
	}
}

// TestLoadHuge: a file that is no configuration ends in a few short problems.
func TestLoadHuge(t *testing.T) {
	for name, text := range map[string]string{
		"feeds":  strings.Repeat("[[feed]]\n", maxFeeds+1),
		"key":    `"` + strings.Repeat("k", 10000) + `" = 1`,
		"twice":  strings.Repeat(strings.Repeat("k", 10000)+" = 1\n", 2),
		"depth":  "a = " + strings.Repeat("[", 10000) + strings.Repeat("]", 10000),
		"dotted": strings.Repeat("a.", 10000) + "b = 1",
		"table":  "[" + strings.Repeat("feed.", 10000) + "b]",
	} {
		_, _, err := Load(write(t, text), true, nil)
		problems, ok := errors.AsType[Problems](err)
		if !ok || len(problems) > 4 || len(err.Error()) > 2000 {
			t.Errorf("%s: %d problems, %.300s", name, len(problems), err)
		}
	}
}

func TestSecretIsHidden(t *testing.T) {
	cfg := load(t, "testdata/full.toml")
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("configuration", "token", cfg.HookToken, "cfg", cfg)
	shown := fmt.Sprintf("%v %+v %#v %s %q", cfg, cfg, cfg.HookToken, cfg.HookToken, cfg.HookToken) + log.String()
	if strings.Contains(shown, "s3cret") {
		t.Errorf("the token is shown: %s", shown)
	}
	if string(cfg.HookToken) != "s3cret-s3cret-s3cret" || Secret("").String() == cfg.HookToken.String() {
		t.Error("the token cannot be used")
	}
}
