package federation

import (
	"encoding/json"
	"time"

	"crier/content"
	"crier/store"
)

// PreviewedPost is a post as it would be sent.
type PreviewedPost struct {
	ID         string
	Create     json.RawMessage // the activity, byte for byte
	Post       content.Post
	Visibility string
	Skip       bool // a rule of the owner keeps it from being sent; the rest is what it would be
}

// Preview makes the first post of an entry as publishing at date would, from what its feed says (e), the key that
// the entry has or would get, and what was learnt beyond the feed. Nothing is stored or sent.
func (s *Server) Preview(feed string, e content.Entry, key string, date time.Time, x content.Extras) (PreviewedPost, error) {
	style := s.style(feed)
	treat := style.For(e)
	rendered := content.Render(e, x, treat.Options)
	date = date.UTC().Truncate(time.Second)
	post, err := s.note(store.Entry{Key: key, Generation: 1, Date: date, URL: e.URL, Title: e.Title}, e,
		postInfo{Rendered: rendered, Visibility: treat.Visibility, Quotes: style.Quotes, Published: date, Delivered: true})
	if err != nil {
		return PreviewedPost{}, err
	}
	create, err := s.activity("Create", post, "")
	if err != nil {
		return PreviewedPost{}, err
	}
	return PreviewedPost{ID: post.ID, Create: create.Body, Post: rendered, Visibility: treat.Visibility, Skip: treat.Skip}, nil
}
