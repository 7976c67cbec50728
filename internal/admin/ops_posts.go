package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"crier/store"
)

const (
	pathPosts  = "/posts"
	pathPost   = "/post"
	maxPostDoc = 1 << 20 // of a request that brings the text of a post
)

// Kinds of Post.
const (
	KindEntry = "entry" // of an entry of a feed
	KindNote  = "note"  // written by hand
	KindBoost = "boost" // somebody's post, or one of ours, that was passed on
)

// Post is one post, without its text. A boost has the id of its Announce, and the url of what is boosted.
type Post struct {
	ID         string    `json:"id"`
	URL        string    `json:"url"`
	Title      string    `json:"title"`
	Kind       string    `json:"kind"`
	State      string    `json:"state"` // "live" or "deleted"
	Visibility string    `json:"visibility"`
	Published  time.Time `json:"published"`
	Updated    Time      `json:"updated"`
	Deleted    time.Time `json:"deleted,omitzero"`
	Delivered  bool      `json:"delivered"`        // was sent to the followers
	Listed     bool      `json:"listed"`           // stands in the outbox
	Pinned     time.Time `json:"pinned,omitzero"`  // when it was pinned
	Object     string    `json:"object,omitempty"` // of a boost: the id of what is boosted
}

// PostDetail is one post with how it stands.
type PostDetail struct {
	Post
	InReplyTo   string          `json:"in_reply_to,omitempty"`
	Mentions    []string        `json:"mentions,omitempty"` // "@user@host"
	Warning     string          `json:"warning,omitempty"`  // content warning
	Waiting     int             `json:"waiting"`            // deliveries that are queued, parked ones too
	Sent        []Sent          `json:"sent"`               // how far its activities have come
	Undelivered []Delivery      `json:"undelivered"`        // which instances have not taken it, and why; at most a hundred
	Reactions   PostReactions   `json:"reactions"`
	Markdown    string          `json:"markdown,omitempty"` // of a post written by hand
	Source      json.RawMessage `json:"source"`             // as it is served
}

// PostReactions is how many reactions came in.
type PostReactions struct {
	Likes   int `json:"likes"`
	Boosts  int `json:"boosts"`
	Replies int `json:"replies"`
}

// What a PostRequest may ask for.
const (
	PostNew     = "new"
	PostEdit    = "edit"
	PostDelete  = "delete"
	PostBoost   = "boost"
	PostUnboost = "unboost"
	PostPin     = "pin"
	PostUnpin   = "unpin"
)

// PostRequest asks for something to be done with a post by hand.
type PostRequest struct {
	Do         string  `json:"do"`
	Post       string  `json:"post,omitempty"` // id or address of the post that it is about
	Markdown   string  `json:"markdown,omitempty"`
	Warning    *string `json:"warning,omitempty"` // content warning; nil leaves it
	Visibility string  `json:"visibility,omitempty"`
	ReplyTo    string  `json:"reply_to,omitempty"`
}

// PostDone is what became of one.
type PostDone struct {
	Post    Post     `json:"post"`
	Changed bool     `json:"changed"` // false: it was so already
	Queued  int      `json:"queued"`  // deliveries
	Running bool     `json:"running"` // a daemon delivers them at once
	Notes   []string `json:"notes"`   // what the owner should know besides
}

// Hand is what has posts written, changed and passed on by hand.
type Hand struct {
	Do   func(context.Context, PostRequest) (PostDone, error)
	Find func(what string) (store.Post, error)
}

// PostOf shows a post of the store.
func PostOf(p store.Post) Post {
	kind := KindEntry
	if p.Entry == "" {
		kind = KindNote
	}
	return Post{
		ID: p.ID, URL: p.URL, Title: p.Title, Kind: kind, State: string(p.State), Visibility: p.Visibility,
		Published: p.Published, Updated: Time{p.Updated}, Deleted: p.Deleted,
		Delivered: p.Delivered, Listed: p.Listed, Pinned: p.Pinned,
	}
}

// BoostOf shows a boost of the store.
func BoostOf(b store.Boost) Post {
	return Post{
		ID: b.Announce, URL: b.URL, Title: b.Title, Kind: KindBoost, State: string(store.PostLive), Visibility: "public",
		Published: b.Published, Delivered: true, Listed: true, Object: b.Object,
	}
}

// Posts lists posts and boosts, newest first.
func (o *Ops) Posts(context.Context) ([]Post, error) {
	list, err := o.Store.Posts()
	if err != nil {
		return nil, fmt.Errorf("list posts: %w", err)
	}
	boosts, err := o.Store.Boosts()
	if err != nil {
		return nil, fmt.Errorf("list boosts: %w", err)
	}
	out := make([]Post, 0, len(list)+len(boosts))
	for _, p := range list {
		out = append(out, PostOf(p))
	}
	for _, b := range boosts {
		out = append(out, BoostOf(b))
	}
	slices.SortStableFunc(out, func(a, b Post) int { return b.Published.Compare(a.Published) })
	return out, nil
}

// ShowPost tells how a post stands that is named by its id or its entry's address.
func (o *Ops) ShowPost(ctx context.Context, what string) (PostDetail, error) {
	p, err := o.Hand.Find(what)
	if err != nil {
		return PostDetail{}, err
	}
	d := PostDetail{Post: PostOf(p), Markdown: p.Source, Source: p.Object}
	for _, m := range p.Mentions {
		d.Mentions = append(d.Mentions, m.Name)
	}
	var note struct {
		Type      string `json:"type"`
		Summary   string `json:"summary"`
		InReplyTo string `json:"inReplyTo"`
	}
	if err := json.Unmarshal(p.Object, &note); err != nil {
		return PostDetail{}, fmt.Errorf("read the stored post %s: %w", p.ID, err)
	}
	if d.InReplyTo = note.InReplyTo; note.Type == "Note" {
		d.Warning = note.Summary
	}
	if d.Waiting, err = o.Store.WaitingFor(p.ID); err != nil {
		return PostDetail{}, fmt.Errorf("count the deliveries of %s: %w", p.ID, err)
	}
	if err := o.sentOf(ctx, &d, p.ID); err != nil {
		return PostDetail{}, err
	}
	n, err := o.Store.CountReactions(p.Path)
	if err != nil {
		return PostDetail{}, fmt.Errorf("count the reactions to %s: %w", p.ID, err)
	}
	d.Reactions = PostReactions{Likes: n.Likes, Boosts: n.Boosts, Replies: n.Replies}
	return d, nil
}

// DoPost writes, edits, deletes, boosts or pins a post.
func (o *Ops) DoPost(ctx context.Context, r PostRequest) (PostDone, error) {
	done, err := o.Hand.Do(ctx, r)
	if err != nil {
		return PostDone{}, err
	}
	if done.Notes == nil {
		done.Notes = []string{}
	}
	done.Running = o.Running
	return done, nil
}

// Posts lists posts and boosts, newest first.
func (c *Client) Posts(ctx context.Context) ([]Post, error) {
	return get[[]Post](ctx, c, pathPosts, nil)
}

// ShowPost tells how a post stands.
func (c *Client) ShowPost(ctx context.Context, what string) (PostDetail, error) {
	return get[PostDetail](ctx, c, pathPost, url.Values{"what": {what}})
}

// DoPost writes, edits, deletes, boosts or pins a post.
func (c *Client) DoPost(ctx context.Context, r PostRequest) (PostDone, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return PostDone{}, fmt.Errorf("encode the request: %w", err)
	}
	return call[PostDone](ctx, c, http.MethodPost, pathPost, bytes.NewReader(b))
}

func (o *Ops) postRoutes(m *http.ServeMux) {
	m.HandleFunc("GET "+pathPosts, answer(func(r *http.Request) (any, error) { return o.Posts(r.Context()) }))
	m.HandleFunc("GET "+pathPost, answer(func(r *http.Request) (any, error) {
		return o.ShowPost(r.Context(), r.FormValue("what"))
	}))
	m.HandleFunc("POST "+pathPost, answer(func(r *http.Request) (any, error) {
		var req PostRequest
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxPostDoc)).Decode(&req); err != nil {
			return nil, errors.New("the request is no good: " + err.Error())
		}
		return o.DoPost(r.Context(), req)
	}))
}
