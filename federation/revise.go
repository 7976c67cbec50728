package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"crier/store"
)

// Edit gives a post that was written by hand another text (Update), dated later than before. Who sees it stays: what
// is out cannot be taken back. An error means that nothing was stored.
func (s *Server) Edit(ctx context.Context, what string, d Draft) (Done, error) {
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	if err := checkDraft(d); err != nil {
		return Done{}, err
	}
	post, err := s.writtenPost(what)
	if err != nil {
		return Done{}, err
	}
	h, err := s.handmadeOf(ctx, post, d)
	if err != nil {
		return Done{}, err
	}
	s.byHand.Lock()
	defer s.byHand.Unlock()
	now, err := s.writtenPost(what)
	switch {
	case err != nil:
		return Done{}, err
	case string(now.Object) != string(post.Object):
		return Done{}, fmt.Errorf("%s was changed meanwhile, look at it again", post.ID)
	}
	return s.replaceText(post, h)
}

// replaceText sends the Update, unless nothing changed. As with an entry's post the Create is made anew, too: it must
// not bring back the old text.
func (s *Server) replaceText(post store.Post, h handmade) (Done, error) {
	same, err := s.handNote(h)
	if err != nil {
		return Done{}, err
	}
	if string(same.Object) == string(post.Object) {
		return Done{Post: post, Notes: h.to.failed}, nil
	}
	last := maxTime(post.Published, post.Updated)
	h.updated = maxTime(time.Now().UTC().Truncate(time.Second), last.Add(time.Second))
	next, err := s.handNote(h)
	if err != nil {
		return Done{}, err
	}
	next.Told = slices.Compact(slices.Sorted(slices.Values(append(next.Told, post.Told...))))
	next.Former = formerly(post, next)
	shown, err := s.counted(next)
	if err != nil {
		return Done{}, err
	}
	update, err := s.activity("Update", shown, stamp(next.Updated))
	if err != nil {
		return Done{}, err
	}
	create, err := s.activity("Create", shown, "")
	if err != nil {
		return Done{}, err
	}
	return s.publishByHand(store.Publication{Post: next, Activity: update, Create: &create}, h.to.failed)
}

// formerly are those whom an earlier text of a post was addressed to and the new one is not.
func formerly(old, next store.Post) (former []store.Mention) {
	for _, m := range slices.Concat(old.Former, old.Mentions) {
		same := func(o store.Mention) bool { return o.Actor == m.Actor }
		if !slices.ContainsFunc(next.Mentions, same) && !slices.ContainsFunc(former, same) {
			former = append(former, m)
		}
	}
	return former
}

// writtenPost finds a live post that was written by hand.
func (s *Server) writtenPost(what string) (store.Post, error) {
	post, err := s.FindPost(what)
	switch {
	case err != nil:
		return store.Post{}, err
	case post.Entry != "":
		return store.Post{}, fmt.Errorf("%s is the post of an entry: edit that in the blog, at %s", post.ID, post.URL)
	case post.State != store.PostLive:
		return store.Post{}, fmt.Errorf("%s was deleted", post.ID)
	}
	return post, nil
}

// handmadeOf is what a post is made from with another text. Whoever is answered stays addressed.
func (s *Server) handmadeOf(ctx context.Context, post store.Post, d Draft) (handmade, error) {
	n, err := noteOf(post)
	if err != nil {
		return handmade{}, err
	}
	h := handmade{
		path: post.Path, markdown: d.Markdown, warning: n.Summary, visibility: post.Visibility,
		inReplyTo: n.InReplyTo, conversation: n.Conversation, thread: n.Thread,
		published: post.Published, updated: post.Updated,
	}
	if d.Warning != nil {
		h.warning = *d.Warning
	}
	if h.to, err = s.resolveMentions(ctx, d.Markdown, post.Visibility, post.Mentions...); err != nil {
		return handmade{}, err
	}
	for _, m := range post.Mentions {
		if m.Answered {
			h.to.add(m)
		}
	}
	return h, h.check()
}

// Delete deletes a post for good: its id answers with a Tombstone from now on. That is the owner's word: the entry of
// an entry's post stays without one while it stands in the feed. An error means that nothing was stored.
func (s *Server) Delete(what string) (Done, error) {
	s.byHand.Lock()
	defer s.byHand.Unlock()
	for range conflictTries {
		done, err := s.deleteOnce(what)
		if !errors.Is(err, store.ErrConflict) {
			return done, err
		}
	}
	return Done{}, fmt.Errorf("delete %s: its entry changes all the time, try again", what)
}

// conflictTries is how often something is decided again because a poll was faster.
const conflictTries = 5

func (s *Server) deleteOnce(what string) (Done, error) {
	post, err := s.FindPost(what)
	if err != nil {
		return Done{}, err
	}
	if post.State != store.PostLive {
		return Done{Post: post}, nil
	}
	now := time.Now().UTC().Truncate(time.Second)
	if post.Entry == "" {
		p, err := s.farewell(post, now)
		if err != nil {
			return Done{}, err
		}
		return s.publishByHand(p, nil)
	}
	e, err := s.db.Entry(post.Entry)
	if err != nil {
		return Done{}, fmt.Errorf("read the entry of %s: %w", post.ID, err)
	}
	p, err := s.farewell(post, now)
	if err != nil {
		return Done{}, err
	}
	e.State, e.Todo, e.Due = store.EntryWithdrawn, store.TodoNothing, time.Time{}
	e.FirstLook, e.NextLook = time.Time{}, time.Time{}
	p.Entry = e
	return s.publishByHand(p, nil)
}

// farewell is the deletion of a post.
func (s *Server) farewell(post store.Post, now time.Time) (store.Publication, error) {
	gone, err := s.tombstone(post, now)
	if err != nil {
		return store.Publication{}, err
	}
	gone.Source = "" // nobody needs it any more
	remove, err := s.activity("Delete", gone, "")
	if err != nil {
		return store.Publication{}, err
	}
	return store.Publication{Post: gone, Activity: remove}, nil
}
