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
}

// Media is a picture, sound or film that belongs to an entry.
type Media struct {
	URL    string `json:"url"`
	Type   string `json:"type,omitempty"` // media type; guessed from the address where the feed does not say
	Alt    string `json:"alt,omitempty"`
	Width  int    `json:"width,omitempty"`
	Height int    `json:"height,omitempty"`
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

// Options are the owner's wishes for the posts of one feed.
type Options struct {
	Mode     Mode     // empty: ModeSummary
	Pictures Pictures // empty: PicturesAttach
	Language string   // where neither entry nor feed names one; may be empty
	TagBase  string   // address of the page of a hashtag, less the hashtag: "https://fedi.example.com/tags/"
}

// Post is the outcome of rendering: what goes into a Note.
type Post struct {
	HTML        string // safe, and unchanged by Mastodon's sanitiser
	Language    string // BCP 47, or empty
	Tags        []Tag
	Attachments []Media
}

// Tag is a hashtag.
type Tag struct {
	Name string // with its capitals, without #
	Href string
}
