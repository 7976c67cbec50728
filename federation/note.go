package federation

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"crier/content"
	"crier/store"
)

const (
	visibilityPublic    = "public"
	visibilityUnlisted  = "unlisted"
	visibilityFollowers = "followers"
	visibilityDirect    = "direct" // for the actors that it mentions alone

	typeNote    = "Note"
	typeArticle = "Article"

	quotesFollowers = "followers"
	quotesNobody    = "nobody"
)

// postInfo is what note has to know of a post besides its entry and the entry's fields.
type postInfo struct {
	Rendered   content.Post // of the fields
	Visibility string       // "public", "unlisted" or "followers"
	Quotes     string       // who may quote it: "everyone", "followers" or "nobody"; empty: everyone
	Published  time.Time    // zero: the entry's date. Never changes while the post lives (GoToSocial 0.20 refuses a change)
	Updated    time.Time    // zero: never edited. Must be later than the one before, by a second at least
	Delivered  bool         // the followers were sent it, or are about to be
}

// noteObject is a post as ActivityPub shows it. The summary of a Note is a content warning (Mastodon, Misskey and
// others), so an excerpt must never stand there; that of an Article is an excerpt, and Mastodon (4.7) shows it
// with the name instead of the text.
type noteObject struct {
	Context           []any             `json:"@context,omitempty"`
	ID                string            `json:"id"`
	Type              string            `json:"type"`
	AttributedTo      string            `json:"attributedTo"`
	To                []string          `json:"to"`
	CC                []string          `json:"cc"`
	Name              string            `json:"name,omitempty"`
	Summary           string            `json:"summary,omitempty"`
	InReplyTo         string            `json:"inReplyTo,omitempty"`    // one id: Akkoma takes no list
	Conversation      string            `json:"conversation,omitempty"` // of the thread, as Mastodon (to 4.7) names it
	Thread            string            `json:"context,omitempty"`      // the same by its name in ActivityStreams
	Published         string            `json:"published"`
	Updated           string            `json:"updated,omitempty"`
	URL               string            `json:"url"`
	Content           string            `json:"content"`
	ContentMap        map[string]string `json:"contentMap,omitempty"`
	Sensitive         bool              `json:"sensitive"`
	Attachment        []attachment      `json:"attachment"`
	Tag               []tag             `json:"tag"`
	Replies           emptyCollection   `json:"replies"`
	Likes             countOnly         `json:"likes"`
	Shares            countOnly         `json:"shares"`
	InteractionPolicy *quotePolicy      `json:"interactionPolicy,omitempty"`
}

type attachment struct {
	Type       string    `json:"type"`
	MediaType  string    `json:"mediaType,omitempty"`
	URL        string    `json:"url"`
	Name       string    `json:"name,omitempty"`
	Width      int       `json:"width,omitempty"`
	Height     int       `json:"height,omitempty"`
	Blurhash   string    `json:"blurhash,omitempty"`
	FocalPoint []float64 `json:"focalPoint,omitempty"`
}

// tag is a Hashtag, or a Mention with the actor's id as href.
type tag struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Href string `json:"href"`
}

// emptyCollection is the replies of a post as they stand in the post itself: an empty first page that
// names the next one. Mastodon (4.4 to 4.7) fetches a collection given as a bare id once for every
// server that gets the post; of this one it fetches the rest only when somebody opens the thread.
type emptyCollection struct {
	ID    string    `json:"id"`
	Type  string    `json:"type"`
	First emptyPage `json:"first"`
}

type emptyPage struct {
	Type   string   `json:"type"`
	PartOf string   `json:"partOf"`
	Next   string   `json:"next"`
	Items  []string `json:"items"`
}

// quotePolicy says who may quote a post (FEP-044f). Mastodon 4.5 and later lets nobody where it is absent.
type quotePolicy struct {
	CanQuote struct {
		AutomaticApproval []string `json:"automaticApproval"`
	} `json:"canQuote"`
}

// tombstone is what is left of a deleted object (ActivityStreams vocabulary). Misskey (2025.11) wants
// formerType.
type tombstone struct {
	Context    []any  `json:"@context,omitempty"`
	ID         string `json:"id"`
	Type       string `json:"type"`
	FormerType string `json:"formerType"`
	Deleted    string `json:"deleted"`
}

// activityObject is an activity about a post.
type activityObject struct {
	Context   []any           `json:"@context,omitempty"`
	ID        string          `json:"id"`
	Type      string          `json:"type"`
	Actor     string          `json:"actor"`
	Published string          `json:"published,omitempty"`
	To        []string        `json:"to"`
	CC        []string        `json:"cc"`
	Object    json.RawMessage `json:"object"`
	Target    string          `json:"target,omitempty"`
}

// note makes the post of an entry: live, with the Note exactly as it is to be served. The same arguments
// give the same post, byte for byte. An error means a visibility or a value that cannot be.
func (s *Server) note(e store.Entry, fields content.Entry, p postInfo) (store.Post, error) {
	path := postPath(e.Key, e.Generation)
	id := s.ids.Post(path)
	to, cc, err := s.audience(p.Visibility)
	if err != nil {
		return store.Post{}, fmt.Errorf("make the post %s: %w", id, err)
	}
	post := store.Post{
		Path: path, Entry: e.Key, ID: id, URL: firstOf(fields.URL, e.URL, id), Title: firstOf(fields.Title, e.Title),
		Visibility: p.Visibility, State: store.PostLive,
		Published: p.Published, Updated: p.Updated, Delivered: p.Delivered,
		Listed: e.Listed && forEverybody(p.Visibility),
		Create: s.ids.Activity("Create", id, ""),
	}
	if post.Published.IsZero() {
		post.Published = e.Date
	}
	if !post.Updated.IsZero() && post.Updated.Before(post.Published) {
		post.Updated = post.Published // GoToSocial 0.20 refuses an edit from before the publication
	}
	n := noteObject{
		Context: postContext(), ID: id, Type: objectType(p.Rendered), AttributedTo: s.ids.Actor(), To: to, CC: cc,
		Summary: p.Rendered.Warning, Sensitive: p.Rendered.Sensitive,
		Published: stamp(post.Published), Updated: stamp(post.Updated), URL: post.URL,
		Content: p.Rendered.HTML, Attachment: attachments(p.Rendered.Attachments), Tag: []tag{},
		Replies: s.emptyReplies(path), Likes: noneYet(s.ids.Likes(path)), Shares: noneYet(s.ids.Shares(path)),
	}
	if p.Rendered.Language != "" {
		n.ContentMap = map[string]string{p.Rendered.Language: n.Content}
	}
	for _, t := range p.Rendered.Tags {
		n.Tag = append(n.Tag, tag{Type: "Hashtag", Name: "#" + t.Name, Href: t.Href})
		post.Tags = append(post.Tags, strings.ToLower(t.Name))
	}
	if n.Type == typeArticle {
		n.Name, n.Summary = p.Rendered.Title, p.Rendered.Summary
	}
	n.InteractionPolicy = s.quotePolicy(p)
	if post.Object, err = encode(n); err != nil {
		return store.Post{}, fmt.Errorf("encode the post %s: %w", id, err)
	}
	return post, nil
}

// tombstone turns a post into its deleted state, with the Tombstone that is served from now on.
func (s *Server) tombstone(post store.Post, deleted time.Time) (store.Post, error) {
	b, err := encode(tombstone{
		Context: postContext(), ID: post.ID, Type: "Tombstone", FormerType: typeOf(post.Object), Deleted: stamp(deleted),
	})
	if err != nil {
		return store.Post{}, fmt.Errorf("encode the tombstone of %s: %w", post.ID, err)
	}
	post.State, post.Deleted, post.Listed, post.Object = store.PostDeleted, deleted, false, b
	return post, nil
}

// activity wraps a post as it stands in a Create, an Update or a Delete, addressed as the post is
// (Akkoma 2025.10 refuses a difference). For a Delete the post must be the one that tombstone made.
// version tells Updates and Deletes of one post apart and goes into the id, so the same version gives
// the same activity; a post has but one Create, for which it is ignored.
func (s *Server) activity(typ string, post store.Post, version string) (store.Activity, error) {
	to, cc, err := s.audience(post.Visibility, post.Mentions...)
	if err != nil {
		return store.Activity{}, fmt.Errorf("address the %s of %s: %w", typ, post.ID, err)
	}
	a := activityObject{
		Context: contextOf(post), ID: s.ids.Activity(typ, post.ID, version), Type: typ, Actor: s.ids.Actor(),
		To: to, CC: cc, Object: withoutContext(post.Object),
	}
	switch typ {
	case "Create":
		a.ID, a.Published = post.Create, stamp(post.Published)
	case "Update":
		a.Published = stamp(post.Updated)
	case "Delete":
		a.Published = stamp(post.Deleted)
	default:
		return store.Activity{}, fmt.Errorf("no activity about a post is a %q", typ)
	}
	body, err := encode(a)
	if err != nil {
		return store.Activity{}, fmt.Errorf("encode the %s of %s: %w", typ, post.ID, err)
	}
	return store.Activity{ID: a.ID, Type: typ, Object: post.ID, Body: body}, nil
}

// audience is to and cc of a visibility as Mastodon reads them: private is only what has the followers
// in to, and direct what has neither them nor everybody. Who is mentioned is told in any case.
func (s *Server) audience(visibility string, mentioned ...store.Mention) (to, cc []string, err error) {
	followers, actors := s.ids.Followers(), []string{}
	for _, m := range mentioned {
		actors = append(actors, m.Actor)
	}
	switch visibility {
	case visibilityPublic:
		return []string{Public}, append([]string{followers}, actors...), nil
	case visibilityUnlisted:
		return []string{followers}, append([]string{Public}, actors...), nil
	case visibilityFollowers:
		return []string{followers}, actors, nil
	case visibilityDirect:
		return actors, []string{}, nil
	}
	return nil, nil, fmt.Errorf("visibility %q is none of public, unlisted, followers, direct", visibility)
}

// forEverybody reports whether a post of that visibility may be shown to whoever asks.
func forEverybody(visibility string) bool {
	return visibility == visibilityPublic || visibility == visibilityUnlisted
}

// objectType is the type of a post's object.
func objectType(p content.Post) string {
	if p.Format == content.FormatArticle {
		return typeArticle
	}
	return typeNote
}

// typeOf is the type of a post as it is stored.
func typeOf(object []byte) string {
	var v struct{ Type string }
	if json.Unmarshal(object, &v) != nil || v.Type != typeArticle {
		return typeNote
	}
	return typeArticle
}

// quotePolicy says who may quote a post; nothing for one that is for followers only, which nobody may pass on.
// Nobody else is written as ourselves, since an empty list is the same as none to some (FEP-044f).
func (s *Server) quotePolicy(p postInfo) *quotePolicy {
	if !forEverybody(p.Visibility) {
		return nil
	}
	policy := &quotePolicy{}
	switch p.Quotes {
	case quotesFollowers:
		policy.CanQuote.AutomaticApproval = []string{s.ids.Followers()}
	case quotesNobody:
		policy.CanQuote.AutomaticApproval = []string{s.ids.Actor()}
	default:
		policy.CanQuote.AutomaticApproval = []string{Public}
	}
	return policy
}

func (s *Server) emptyReplies(path string) emptyCollection {
	id := s.ids.Replies(path)
	return emptyCollection{ID: id, Type: "Collection", First: emptyPage{
		Type: "CollectionPage", PartOf: id, Next: id + "?page=1", Items: []string{},
	}}
}

func attachments(media []content.Media) []attachment {
	list := []attachment{}
	for _, m := range media {
		a := attachment{
			Type: attachmentType(m.Type), MediaType: m.Type, URL: m.URL, Name: m.Alt, Width: m.Width, Height: m.Height,
			Blurhash: m.Blurhash,
		}
		if m.Focus != nil {
			a.FocalPoint = []float64{m.Focus.X, m.Focus.Y}
		}
		list = append(list, a)
	}
	return list
}

func attachmentType(mediaType string) string {
	kind, _, _ := strings.Cut(strings.ToLower(mediaType), "/")
	switch kind {
	case "image":
		return "Image"
	case "audio":
		return "Audio"
	case "video":
		return "Video"
	}
	return "Document"
}

// stamp writes a time the way everybody reads it, RFC 3339 in UTC to the second; no time is "".
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
