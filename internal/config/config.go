package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// DefaultFile is the configuration file that is read where none is named.
const DefaultFile = "config.toml"

// Config is a whole configuration. It is read once and never changes.
type Config struct {
	SourceFile     string         // the file that was read, as it was named; empty where there was none
	BaseURL        string         // how the world reaches crier: "https://fedi.example.com", no trailing slash
	Listen         string         // host:port to listen at; port 0 picks one
	DataDir        string         // absolute path of the folder with store, socket and address file
	Former         string         // absolute path of the data directory of the account that this one takes the place of; empty: none
	HookToken      Secret         // bearer token of POST /hook; empty turns the hook off
	NoticeURL      Secret         // where notices to the owner are posted; empty: nowhere
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Account        Account
	Webfinger      Webfinger
	Feeds          []Feed // at least one, each address once
	Network        Network
}

// Account is how the account presents itself.
type Account struct {
	Handle                    Handle
	Name                      string   // display name; the handle's user part where none is configured
	Summary                   string   // Markdown
	Avatar, Header            Picture  // the zero Picture is none
	Fields                    []Field  // at most 50
	ManuallyApprovesFollowers bool     // followers wait for the owner
	HideFollowers             bool     // only their number is shown
	AlsoKnownAs               []string // "user@host" or actor URL, as written
}

// Field is one row of the table on a profile.
type Field struct {
	Name  string // plain text
	Value string // plain text or a URL
}

// Picture is the avatar or the header: either on the web or in a local file.
type Picture struct {
	URL  string // http(s); empty where File is set
	File string // absolute path
	Type string // media type by the name's extension; may be empty for a URL
}

// IsZero tells that there is no picture.
func (p Picture) IsZero() bool { return p.URL == "" && p.File == "" }

// Webfinger is what this host answers for besides the handle.
type Webfinger struct {
	Aliases map[string]string // "user@host" to AliasSelf or the URL of an actor elsewhere
}

// AliasSelf is the value of an alias that names this account.
const AliasSelf = "self"

// Feed is one feed and what becomes of its entries.
type Feed struct {
	URL          string // http(s) URL in canonical form, or absolute path of a local file
	Interval     time.Duration
	IntervalSet  bool // the owner wrote it, so the feed's own hints do not count
	Content      string
	Pictures     string
	Visibility   string
	Backfill     int           // entries of the first poll listed in the outbox
	Grace        time.Duration // wait before a new entry goes out
	Pace         time.Duration // over which a post is spread that goes to many servers
	MaxNew       int           // news at one poll, above which they may be held
	MaxAge       time.Duration // how much older than the newest known entry news may be; 0: any age
	Deletions    string
	ConfirmAfter time.Duration // between the two looks of DeletionsConfirm
	WebSub       bool          // subscribe at the feed's hub, where it names one

	Format      string
	Template    Template // the zero Template: crier's own form
	Length      int      // characters of an excerpt
	Hashtags    string
	MaxPictures int
	PageImage   bool   // the picture of the entry's page counts where the entry has none
	Language    string // BCP 47, where neither entry, feed nor page names one; empty: none
	Quotes      string
	Rules       []Rule
}

// Template is a file with the owner's own form of a post.
type Template struct {
	File string // absolute path
	Text string // what stood in it
}

// Rule says how some entries of a feed differ from the others. See content.Rule, which has the same fields.
type Rule struct {
	Category, Path, Author string // what must fit; empty: anything

	Skip       bool
	Visibility string
	Warning    string
	Sensitive  bool
	Content    string
	Pictures   string
	Hashtags   []string
}

// Values of Feed.Content, Feed.Pictures, Feed.Visibility, Feed.Deletions, Feed.Format, Feed.Hashtags and
// Feed.Quotes.
const (
	ContentSummary = "summary"
	ContentFull    = "full"
	ContentLink    = "link"

	PicturesAttach = "attach"
	PicturesCard   = "card"
	PicturesNone   = "none"

	VisibilityPublic    = "public"
	VisibilityUnlisted  = "unlisted"
	VisibilityFollowers = "followers"

	DeletionsConfirm = "confirm"
	DeletionsFeed    = "feed"
	DeletionsNever   = "never"

	FormatNote    = "note"
	FormatArticle = "article"

	HashtagsEnd  = "end"
	HashtagsTag  = "tag"
	HashtagsNone = "none"

	QuotesEveryone  = "everyone"
	QuotesFollowers = "followers"
	QuotesNobody    = "nobody"
)

// IsFile tells that the feed is a local file.
func (f Feed) IsFile() bool {
	return !strings.HasPrefix(f.URL, "http://") && !strings.HasPrefix(f.URL, "https://")
}

// HostPort is the exact "host:port" that the feed lives at, the default port written out, as exceptions for
// its requests name it. It is empty for a local file.
func (f Feed) HostPort() string {
	if f.IsFile() {
		return ""
	}
	u, err := url.Parse(f.URL)
	if err != nil {
		return ""
	}
	return withPort(u)
}

// Network says what may be contacted.
type Network struct {
	AllowPrivate []netip.Prefix
	AllowHTTP    bool              // plain-http peers and base address, for tests
	SecureMode   bool              // posts and collections are shown only to who signs the request
	Resolve      map[string]string // "host" or "host:port" to "host:port", instead of DNS, for tests
}

// Secret is text that must not be printed by accident: fmt and slog show that it is there, not what it is.
// Convert it to string to use it.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return "(none)"
	}
	return "(hidden)"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Default is the configuration that applies where nothing is written. BaseURL, Account.Handle and a feed have
// no default; DataDir is still relative.
func Default() Config {
	return Config{
		Listen:  "127.0.0.1:8080",
		DataDir: "data",
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("127.0.0.0/8"),
			netip.MustParsePrefix("::1/128"),
		},
	}
}

// DefaultFeed is a feed of which only the address is missing.
func DefaultFeed() Feed {
	return Feed{
		Interval:     15 * time.Minute,
		Content:      ContentSummary,
		Pictures:     PicturesAttach,
		Visibility:   VisibilityPublic,
		Backfill:     20,
		MaxNew:       5,
		Deletions:    DeletionsConfirm,
		ConfirmAfter: 6 * time.Hour,
		WebSub:       true,
		Format:       FormatNote,
		Length:       500,
		Hashtags:     HashtagsEnd,
		MaxPictures:  4,
		Quotes:       QuotesEveryone,
	}
}

// BaseHost is the host of BaseURL, with its port where that is not the scheme's own.
func (c *Config) BaseHost() string {
	_, host, _ := strings.Cut(c.BaseURL, "://")
	return host
}
