package content

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Style is how the entries of a feed become posts: the owner's wishes, and rules for some of the entries.
type Style struct {
	Options
	Visibility string        // "public", "unlisted" or "followers"
	Quotes     string        // who may quote a post: "everyone", "followers" or "nobody"
	Pace       time.Duration // over which a new post is spread that goes to many servers
	Rules      []Rule
}

// Rule changes the style for the entries that fit. All of Category, Path and Author that are not empty must
// fit; of what several rules say, the last one counts, and hashtags add up.
type Rule struct {
	Category string // whatever its case, also one of several in a list ("Notes, Private"); with * and ? as in file names
	Path     string // of the entry's address, below its host: "/notes/*"; a * takes slashes too
	Author   string // whatever its case; with * and ?

	Skip       bool     // no post at all
	Visibility string   // empty: as the feed
	Warning    string   // empty: as the feed
	Sensitive  bool     // true: attachments are hidden until asked for
	Mode       Mode     // empty: as the feed
	Pictures   Pictures // empty: as the feed
	Tags       []string // further hashtags
}

// Treatment is what a style says of one entry.
type Treatment struct {
	Options
	Visibility string
	Skip       bool
}

// For applies the rules to an entry.
func (s Style) For(e Entry) Treatment {
	t := Treatment{Options: s.Options, Visibility: s.Visibility}
	t.Tags = slices.Clone(t.Tags)
	for _, r := range s.Rules {
		if r.fits(e) {
			r.change(&t)
		}
	}
	return t
}

func (r Rule) change(t *Treatment) {
	t.Skip = t.Skip || r.Skip
	t.Sensitive = t.Sensitive || r.Sensitive
	t.Tags = append(t.Tags, r.Tags...)
	if r.Visibility != "" {
		t.Visibility = r.Visibility
	}
	if r.Warning != "" {
		t.Warning = r.Warning
	}
	if r.Mode != "" {
		t.Mode = r.Mode
	}
	if r.Pictures != "" {
		t.Pictures = r.Pictures
	}
}

func (r Rule) fits(e Entry) bool {
	return (r.Category == "" || slices.ContainsFunc(categoryNames(e.Categories), wildcard(r.Category))) &&
		(r.Author == "" || slices.ContainsFunc(e.Authors, wildcard(r.Author))) &&
		(r.Path == "" || wildcardPath(r.Path, e.URL))
}

// wildcard returns a test for texts that a pattern with * and ? matches, whatever their case. All other signs stand
// for themselves.
func wildcard(pattern string) func(string) bool {
	// path.Match lets no * take a slash.
	pattern = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "/", "\x00").Replace(folded(pattern))
	return func(s string) bool {
		ok, err := path.Match(pattern, strings.ReplaceAll(folded(s), "/", "\x00"))
		return ok && err == nil
	}
}

func folded(s string) string { return fold(norm.NFC.String(strings.TrimSpace(s))) }

// wildcardPath tells whether the path of an address matches, with its letters as a reader sees them and with or
// without a slash at the end.
func wildcardPath(pattern, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	fits := wildcard(pattern)
	return fits(u.Path) || fits(strings.TrimSuffix(u.Path, "/")) || fits(u.EscapedPath())
}
