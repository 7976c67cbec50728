package content

// Entry is what a feed says of one entry, in the form that Render needs. All addresses are absolute.
// It is stored as JSON beside the entry; fields may be added, never renamed.
type Entry struct {
	URL        string   `json:"url,omitempty"`        // the entry's page; empty where it has none
	Title      string   `json:"title,omitempty"`      // plain text
	Summary    string   `json:"summary,omitempty"`    // HTML, unclean
	Content    string   `json:"content,omitempty"`    // HTML, unclean
	Markdown   string   `json:"markdown,omitempty"`   // the text's source, where the feed carries it (source:markdown)
	Language   string   `json:"language,omitempty"`   // BCP 47, of the entry, else of the feed
	Categories []string `json:"categories,omitempty"` // plain text
	Media      []Media  `json:"media,omitempty"`      // enclosures and the like, in order
	Authors    []string `json:"authors,omitempty"`    // names, plain text
	Warning    string   `json:"warning,omitempty"`    // a content warning that the feed marks as one, plain text
	Sensitive  bool     `json:"sensitive,omitempty"`  // the feed marks pictures or sound as not for everybody
}

// Media is a picture, sound or film that belongs to an entry.
type Media struct {
	URL    string `json:"url"`
	Type   string `json:"type,omitempty"` // media type; guessed from the address where the feed does not say
	Alt    string `json:"alt,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`

	Blurhash string `json:"blurhash,omitempty"`
	Focus    *Focus `json:"focus,omitempty"` // nil: not said
}

// Focus is the point of a picture that a crop must keep, as Mastodon's focalPoint: both from -1 to 1, from left to
// right and from bottom to top.
type Focus struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Extras is what was learnt of an entry beyond its feed. It never tells two versions of an entry apart: both
// are rendered with the same.
type Extras struct {
	Language string             `json:"language,omitempty"` // of the entry's page, BCP 47
	Image    *Media             `json:"image,omitempty"`    // the picture with which the page wants to be shown (og:image)
	Pictures map[string]Picture `json:"pictures,omitempty"` // by address as in Media.URL
}

// Picture is what a picture turned out to be when it was fetched.
type Picture struct {
	Type     string `json:"type,omitempty"` // media type by its content
	Width    int    `json:"width,omitempty"`
	Height   int    `json:"height,omitempty"`
	Blurhash string `json:"blurhash,omitempty"`
	Unfit    bool   `json:"unfit,omitempty"` // no server could show it: not there, no picture, too large
}

// Mode says how much of an entry a post shows.
type Mode string

const (
	ModeSummary Mode = "summary" // title, excerpt, link
	ModeFull    Mode = "full"    // title, the whole text, link
	ModeLink    Mode = "link"    // title and link
)

// Pictures says what becomes of an entry's pictures.
type Pictures string

const (
	PicturesAttach Pictures = "attach" // attached to the post; those within the text only where the text is shown
	PicturesCard   Pictures = "card"   // nothing is attached, sound and film neither: Mastodon shows a link card only without attachments
	PicturesNone   Pictures = "none"   // no pictures; sound and film are attached
)

// Hashtags says where the hashtags of an entry's categories stand.
type Hashtags string

const (
	HashtagsEnd  Hashtags = "end"  // in a paragraph of their own below the text, and as tags
	HashtagsTag  Hashtags = "tag"  // as tags alone: found by search, not seen
	HashtagsNone Hashtags = "none" // nowhere; those that Options.Tags adds and those written in the text stay what they are
)

// Format is what kind of object a post is.
type Format string

const (
	FormatNote    Format = "note"
	FormatArticle Format = "article"
)

// Options are the owner's wishes for the posts of one feed, or of one entry where rules have changed them.
type Options struct {
	Mode        Mode               // empty: ModeSummary
	Pictures    Pictures           // empty: PicturesAttach
	MaxPictures int                // attachments of a post; 0: 4, which is what Mastodon keeps; at most 16, as Misskey does
	PageImage   bool               // the picture of the entry's page counts where the entry has none
	Language    string             // where neither entry, feed nor page names one; may be empty
	TagBase     string             // address of the page of a hashtag, less the hashtag: "https://fedi.example.com/tags/"
	Hashtags    Hashtags           // empty: HashtagsEnd
	Tags        []string           // further hashtags, after those of the categories, without #
	Length      int                // characters of an excerpt; 0: 500
	Template    *Template          // how title, text, link and hashtags make a post; nil: as Render does it by itself
	Warning     string             // content warning where the entry has none of its own; empty: none
	Sensitive   bool               // attachments are hidden until asked for
	Format      Format             // empty: FormatNote; an Article without a title, or with a warning, for which it has no place, is a Note
	Mentions    map[string]Mention // by handle (see Handles): who is mentioned in the text. A feed can mention nobody
	Settled     bool               // the post is out, so its format stays: an Article without title, or with a warning, is one, too
}

// Post is the outcome of rendering: what goes into a Note or an Article.
type Post struct {
	HTML        string // safe, and unchanged by Mastodon's sanitiser
	Language    string // BCP 47, or empty
	Tags        []Tag
	Attachments []Media
	Format      Format
	Title       string // plain text; the name of an Article
	Summary     string // HTML of an excerpt, for an Article alone: Mastodon shows it instead of the text
	Warning     string // content warning, plain text; empty: none
	Sensitive   bool   // attachments are hidden until asked for; always so behind a warning
}

// Tag is a hashtag.
type Tag struct {
	Name string // with its capitals, without #
	Href string
}
