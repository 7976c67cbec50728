package federation

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"crier/content"
	"crier/store"
)

// plan makes the publication that an entry calls for at now. It reads and writes nothing; an error means
// that this entry can never be published as it is.
func (s *Server) plan(m material, now time.Time) (store.Publication, error) {
	now = now.UTC().Truncate(time.Second) // what a post can show; the store compares what was sent
	e := m.entry
	exists := m.post.State == store.PostLive
	m.entry.Todo, m.entry.Due = store.TodoNothing, time.Time{}
	switch {
	case e.Todo == store.TodoDelete && exists:
		return s.planDelete(m, now)
	case e.Todo == store.TodoUpdate && exists:
		return s.planUpdate(m, now)
	case e.Todo == store.TodoCreate, e.Todo == store.TodoUpdate:
		return s.planCreate(m, now)
	}
	return store.Publication{}, fmt.Errorf("entry %s has no post to %s", e.Key, e.Todo)
}

// planCreate dates the post with the entry's date, but never ahead of now: a post from the future is
// refused by some and pinned to the top by others.
func (s *Server) planCreate(m material, now time.Time) (store.Publication, error) {
	if _, ok := s.cfg.Feeds[m.entry.Feed]; !ok {
		// Who may see it is not known any more, and cannot be taken back once it is out.
		return store.Publication{}, fmt.Errorf("the feed %s is not configured any more", m.entry.Feed)
	}
	published := m.entry.Date.UTC().Truncate(time.Second)
	if published.IsZero() || published.After(now) {
		published = now
	}
	post, err := s.render(m, postInfo{
		Published: published, Delivered: m.entry.Deliver,
	})
	if err != nil {
		return store.Publication{}, err
	}
	create, err := s.activity("Create", post, "")
	if err != nil {
		return store.Publication{}, err
	}
	m.entry.State = store.EntryLive
	return store.Publication{
		Entry: m.entry, Fields: m.fields, Post: post, Activity: create, Deliver: m.entry.Deliver,
		Pace: s.style(m.entry.Feed).Pace,
	}, nil
}

// planUpdate keeps date and audience of the post. Mastodon ignores an Update that is not dated later than
// what it has, so two edits within a second are a second apart. The Create is made anew, too: it stands in
// the outbox and may still wait in the queue, and must not bring back the old text.
func (s *Server) planUpdate(m material, now time.Time) (store.Publication, error) {
	old := m.post
	last := maxTime(old.Published, old.Updated).UTC().Truncate(time.Second)
	updated := maxTime(now, last.Add(time.Second))
	post, err := s.render(m, postInfo{
		Visibility: old.Visibility, Published: old.Published, Updated: updated, Delivered: old.Delivered,
	})
	if err != nil {
		return store.Publication{}, err
	}
	post.Object = s.withCounts(post, m.counts) // Mastodon (4.4 and later) shows what an Update says of them
	update, err := s.activity("Update", post, stamp(updated))
	if err != nil {
		return store.Publication{}, err
	}
	create, err := s.activity("Create", post, "")
	if err != nil {
		return store.Publication{}, err
	}
	m.entry.State = store.EntryLive
	return store.Publication{
		Entry: m.entry, Fields: m.fields, Post: post, Activity: update, Create: &create, Deliver: old.Delivered,
		Reactors: forEverybody(old.Visibility),
	}, nil
}

// planDelete leaves a Tombstone. Only who was sent the post, or has it since it was fetched and reacted to, has to
// hear of it.
func (s *Server) planDelete(m material, now time.Time) (store.Publication, error) {
	post, err := s.tombstone(m.post, now)
	if err != nil {
		return store.Publication{}, err
	}
	remove, err := s.activity("Delete", post, "")
	if err != nil {
		return store.Publication{}, err
	}
	m.entry.State = store.EntryGone
	return store.Publication{
		Entry: m.entry, Post: post, Activity: remove, Deliver: m.post.Delivered, Reactors: true,
	}, nil
}

// render makes the post of what the feed says now. The text is a stranger's and the parsers are others':
// should one of them panic, one entry is lost instead of every start of the program ending there.
func (s *Server) render(m material, p postInfo) (post store.Post, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("render entry %s: panic: %v", m.entry.Key, r)
		}
	}()
	if len(m.fields) == 0 {
		return store.Post{}, errors.New("nothing is stored of what the feed says")
	}
	var fields content.Entry
	if err := json.Unmarshal(m.fields, &fields); err != nil {
		return store.Post{}, fmt.Errorf("read what is stored of entry %s: %w", m.entry.Key, err)
	}
	style := s.style(m.entry.Feed)
	treat := style.For(fields)
	if p.Visibility == "" {
		p.Visibility = treat.Visibility
	}
	p.Quotes = style.Quotes
	if m.post.State == store.PostLive { // an id stays what it is
		treat.Format, treat.Settled = formatOf(m.post.Object), true
	}
	p.Rendered = content.Render(fields, m.extras, treat.Options)
	return s.note(m.entry, fields, p)
}

// style returns how the entries of a feed become posts; one that is configured no longer has what the
// configuration gives by default.
func (s *Server) style(feed string) content.Style {
	c, ok := s.cfg.Feeds[feed]
	if !ok {
		c = content.Style{Options: content.Options{Mode: content.ModeSummary, Pictures: content.PicturesAttach}}
	}
	if c.Visibility == "" {
		c.Visibility = visibilityPublic
	}
	if c.TagBase == "" {
		c.TagBase = s.ids.TagBase()
	}
	return c
}

// formatOf is the format of a post as it is stored.
func formatOf(object []byte) content.Format {
	if typeOf(object) == typeArticle {
		return content.FormatArticle
	}
	return content.FormatNote
}
