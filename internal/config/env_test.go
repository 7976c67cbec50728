package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEnvironAlone: a container needs no file.
func TestEnvironAlone(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	cfg, warnings, err := Load(DefaultFile, false, []string{
		"PATH=/bin", "BASE_URL=x",
		"CRIER_CONFIG=",
		"CRIER_BASE_URL=https://nobody.example",
		"CRIER_BASE_URL=https://fedi.example.com",
		"CRIER_LISTEN=:8080",
		"CRIER_DATA_DIR=/data",
		"CRIER_HOOK_TOKEN=s3cret-s3cret-s3cret",
		"CRIER_TRUSTED_PROXIES=10.0.0.0/8, ::1,",
		"CRIER_ACCOUNT_HANDLE=user@example.com",
		"CRIER_ACCOUNT_HIDE_FOLLOWERS=true",
		"CRIER_ACCOUNT_ALSO_KNOWN_AS=old@social.example",
		"CRIER_ACCOUNT_SUMMARY=a = b, \"c\"",
		"CRIER_FEED_URL=public/index.xml",
		"CRIER_FEED_INTERVAL=1h",
		"CRIER_FEED_MAX_NEW=7",
		"CRIER_FEED_CONTENT=",
		"CRIER_FEED_GRACE=1h",
		"CRIER_FEED_GRACE=",
		"CRIER_NETWORK_ALLOW_PRIVATE=127.0.0.0/8",
	})
	if err != nil || len(warnings) != 0 {
		t.Fatalf("load: %v, %v", warnings, err)
	}
	if cfg.SourceFile != "" || cfg.BaseURL != "https://fedi.example.com" || cfg.Listen != ":8080" || cfg.DataDir != "/data" || cfg.HookToken != "s3cret-s3cret-s3cret" {
		t.Errorf("got %+v", cfg)
	}
	if !slices.Equal(cfg.TrustedProxies, prefixes("10.0.0.0/8", "::1/128")) || !slices.Equal(cfg.Network.AllowPrivate, prefixes("127.0.0.0/8")) {
		t.Errorf("lists: %v, %v", cfg.TrustedProxies, cfg.Network.AllowPrivate)
	}
	if a := cfg.Account; a.Handle.String() != "user@example.com" || a.Name != "user" || !a.HideFollowers || a.Summary != `a = b, "c"` || !slices.Equal(a.AlsoKnownAs, []string{"old@social.example"}) {
		t.Errorf("account: %+v", a)
	}
	wd, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultFeed()
	want.URL, want.Interval, want.IntervalSet, want.MaxNew = filepath.Join(wd, "public/index.xml"), time.Hour, true, 7
	if diff := cmp.Diff([]Feed{want}, cfg.Feeds); diff != "" {
		t.Errorf("feeds (-want +got):\n%s", diff)
	}
}

// TestEnvironWins: a variable replaces what the file says, and the feed's variables mean the first feed.
func TestEnvironWins(t *testing.T) {
	file := write(t, minimal+"interval = \"1h\"\n[[feed]]\nurl = \"https://example.com/two.xml\"\n")
	cfg := load(t, file, "CRIER_FEED_URL=https://example.com/one.xml", "CRIER_FEED_GRACE=10m", "CRIER_LISTEN=:0")
	if len(cfg.Feeds) != 2 || cfg.Feeds[0].URL != "https://example.com/one.xml" || cfg.Feeds[0].Grace != 10*time.Minute || cfg.Feeds[0].Interval != time.Hour {
		t.Errorf("feeds: %+v", cfg.Feeds)
	}
	if cfg.Feeds[1].URL != "https://example.com/two.xml" || cfg.Feeds[1].Grace != 0 || cfg.Listen != ":0" {
		t.Errorf("got %+v", cfg)
	}
}

func TestEnvironProblems(t *testing.T) {
	file := write(t, minimal+"backfill = -1\n")
	_, _, err := Load(file, true, []string{
		"CRIER_BASE_URL=http://fedi.example.com",
		"CRIER_TRUSTED_PROXIES=127.0.0.1,proxy",
		"CRIER_ACCOUNT_HIDE_FOLLOWERS=yes",
		"CRIER_FEED_INTERVAL=15x",
		"CRIER_FEED_MAX_NEW=many",
		"CRIER_ACCOUNT_FIELDS=Blog",
		"CRIER_NETWORK_RESOLVE=a=b",
	})
	wantProblems(t, err,
		file+":5: feed[0].backfill: -1 is out of range; it goes from 0 to 100000",
		`CRIER_TRUSTED_PROXIES: "proxy" is neither an address nor a block of addresses; write for example "10.0.0.0/8"`,
		`CRIER_ACCOUNT_FIELDS: tables can be written in the file only, as fields = [ { name = "Blog", value = "https://example.com" } ]`,
		`CRIER_ACCOUNT_HIDE_FOLLOWERS: "yes" is neither true nor false`,
		`CRIER_NETWORK_RESOLVE: tables can be written in the file only, as "example.com" = "127.0.0.1:8080"`,
		`CRIER_FEED_INTERVAL: "15x" is not a duration; write for example "15m" (units: s, m, h)`,
		`CRIER_FEED_MAX_NEW: "many" is not a whole number; write for example max_new = 5`,
		`CRIER_BASE_URL: "http://fedi.example.com" is plain http, which other servers do not talk to; put crier behind a proxy with https (network.allow_http = true would allow it, for tests)`,
	)
}

func TestEnvironFeedWithoutURL(t *testing.T) {
	t.Chdir(t.TempDir())
	_, _, err := Load(DefaultFile, false, []string{"CRIER_BASE_URL=https://fedi.example.com", "CRIER_ACCOUNT_HANDLE=user@example.com", "CRIER_FEED_INTERVAL=1h"})
	wantProblems(t, err, `feed[0].url: is missing; write url = "https://example.com/index.xml" below [[feed]], or set CRIER_FEED_URL for the first feed`)
}

// TestEnvironWarnings: platforms inject variables of their own, so an unknown one stops nothing.
func TestEnvironWarnings(t *testing.T) {
	_, warnings, err := Load(write(t, minimal), true, []string{
		"CRIER_SERVICE_HOST=10.0.0.1", "CRIER_PORT=tcp://10.0.0.1:80", "CRIER_HOOK_TOKN=s3cret", "CRIER_BASEURL=https://x", "CRIER_=x",
		"CRIER_HOOK_TOKEN=s3cret", "CRIER_EMPTY=", "OTHER=1",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"CRIER_: crier knows no such variable; ignored",
		"CRIER_BASEURL: crier knows no such variable; ignored; did you mean CRIER_BASE_URL?",
		"CRIER_HOOK_TOKN: crier knows no such variable; ignored; did you mean CRIER_HOOK_TOKEN?",
		"CRIER_PORT: crier knows no such variable; ignored",
		"CRIER_SERVICE_HOST: crier knows no such variable; ignored",
		"hook_token: is shorter than 16 characters, so it could be guessed; make one with: openssl rand -hex 16",
	}
	if diff := cmp.Diff(want, strings.Split(strings.TrimSpace(fmt.Sprintln(joinWarnings(warnings))), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func joinWarnings(ws []Warning) string {
	lines := make([]string, len(ws))
	for i, w := range ws {
		lines[i] = w.String()
	}
	return strings.Join(lines, "\n")
}

func TestEnvNames(t *testing.T) {
	want := strings.Fields(`
		CRIER_BASE_URL CRIER_LISTEN CRIER_DATA_DIR CRIER_FORMER CRIER_HOOK_TOKEN CRIER_NOTICE_URL CRIER_TRUSTED_PROXIES
		CRIER_ACCOUNT_HANDLE CRIER_ACCOUNT_NAME CRIER_ACCOUNT_SUMMARY CRIER_ACCOUNT_AVATAR CRIER_ACCOUNT_HEADER
		CRIER_ACCOUNT_MANUALLY_APPROVES_FOLLOWERS CRIER_ACCOUNT_HIDE_FOLLOWERS CRIER_ACCOUNT_ALSO_KNOWN_AS
		CRIER_NETWORK_ALLOW_PRIVATE CRIER_NETWORK_ALLOW_HTTP CRIER_NETWORK_SECURE_MODE
		CRIER_FEED_URL CRIER_FEED_INTERVAL CRIER_FEED_CONTENT CRIER_FEED_PICTURES CRIER_FEED_VISIBILITY
		CRIER_FEED_BACKFILL CRIER_FEED_GRACE CRIER_FEED_PACE CRIER_FEED_MAX_NEW CRIER_FEED_MAX_AGE CRIER_FEED_DELETIONS CRIER_FEED_CONFIRM_AFTER
		CRIER_FEED_WEBSUB CRIER_FEED_FORMAT CRIER_FEED_TEMPLATE CRIER_FEED_LENGTH CRIER_FEED_HASHTAGS
		CRIER_FEED_MAX_PICTURES CRIER_FEED_PAGE_IMAGE CRIER_FEED_LANGUAGE CRIER_FEED_QUOTES`)
	if diff := cmp.Diff(want, EnvNames()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
