package federation

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"crier/store"
)

// takeCreate takes what somebody wrote: a reply to a post of ours, or a quote of one.
func (s *Server) takeCreate(ctx context.Context, a arrival) error {
	if isVote(a.doc.all("object")) {
		return s.onlyLog(a, "202 Accepted, noted: a vote, and there is no poll")
	}
	note, why, err := s.written(ctx, a)
	if err != nil {
		return err
	}
	if why != "" {
		return s.onlyLog(a, "202 Accepted, "+why)
	}
	return s.takeWritten(a, note)
}

// isVote reports whether objects are answers to a poll: they have a name, reply, and say nothing (Mastodon sends one
// Create for each choice, GoToSocial several in one).
func isVote(objects []node) bool {
	return len(objects) > 0 && !slices.ContainsFunc(objects, func(n node) bool {
		return n.text("name") == "" || n.text("content") != "" || !n.has("inReplyTo") || n.has("attachment")
	})
}

// written returns the object of a Create or Update, if it is the sender's own: embedded in what the sender signed, or
// fetched from its host. Nobody's word counts for what another wrote (FEP-fe34).
func (s *Server) written(ctx context.Context, a arrival) (note node, why string, err error) {
	return s.writtenAs(ctx, a, a.inner())
}

// writtenAs is written for another object than the activity's own. Of a Tombstone only the id tells.
func (s *Server) writtenAs(ctx context.Context, a arrival, note node) (_ node, why string, err error) {
	if why = notItsOwn(a.activity, note); why != "" || note.embedded() && !note.is("Tombstone") {
		return note, why, nil
	}
	note, err = s.fetchObject(ctx, note.id())
	var busy *refusal
	switch {
	case errors.As(err, &busy):
		return node{}, "", err
	case err != nil && isFinal(err):
		return node{}, "noted: what it brings is not to be had", nil
	case err != nil:
		return node{}, "", &refusal{status: http.StatusServiceUnavailable, reason: "the object could not be fetched, try later", cause: err}
	}
	return note, notItsOwn(a.activity, note), nil
}

// notItsOwn tells why an object is not what the activity's actor wrote, if it is not.
func notItsOwn(a *activity, note node) (why string) {
	id := note.id()
	if id == "" {
		return "noted: it is not about one thing with an id"
	}
	if !sameHost(id, a.actor) || len(id) > maxAddress {
		return "dropped: what it brings is on another host than its author"
	}
	if authors := note.refs("attributedTo"); len(authors) > 0 && !authors.Has(a.actor) {
		return "dropped: its sender did not write it"
	}
	return ""
}

// takeWritten stores a reply to a post of ours or a quote of one; all else is noted.
func (s *Server) takeWritten(a arrival, note node) error {
	r := store.Reaction{
		ID: note.id(), URL: firstOf(note.page("url"), note.id()), Content: contentOf(note),
		Published: note.time("published"), Updated: note.time("updated"),
	}
	before, err := s.known(r)
	if err != nil {
		return err
	}
	if before.Actor == a.actor {
		r.Post, r.Depth = before.Post, before.Depth
	}
	why, err := s.place(a, note, &r)
	switch {
	case err != nil:
		return err
	case why != "" && before.Actor == a.actor:
		return s.removeReaction(a, before) // it is no reply any more, or not for others
	case why != "":
		return s.onlyLog(a, "202 Accepted, "+why)
	case r.Updated.Before(before.Updated):
		return s.onlyLog(a, "202 Accepted, noted: older than what is known")
	}
	if undone, err := s.wasUndone(a, r.ID, string(r.Kind)+" not taken: it was deleted"); undone || err != nil {
		return err
	}
	return s.store(a, r)
}

// place finds what a note is to us: a reply or a quote, of which post, and who may see it. What is neither, or does
// not count, has a reason why.
func (s *Server) place(a arrival, note node, r *store.Reaction) (why string, err error) {
	addressed := note
	if !note.isAddressed() {
		addressed = a.doc
	}
	object, err := s.answered(note, addressed, r)
	if object == "" || err != nil {
		return "noted", err
	}
	post, why, err := s.reactedTo(a.activity, object)
	if why != "" || err != nil {
		return why, err
	}
	r.Post, r.Public = post.Path, addressed.isOpen()
	if r.Kind == store.ReactionQuote {
		if why, err := s.quoteRefused(post, a.actor); why != "" || err != nil {
			return why, err
		}
	}
	if s.isDirect(addressed) {
		return "noted: a message for you alone", nil
	}
	return "", nil
}

// answers tells to which post of ours an object replies, or else which one it quotes.
func (s *Server) answers(n node) (store.ReactionKind, string) {
	if id, ok := s.firstOurs(n.refs("inReplyTo")); ok {
		return store.ReactionReply, id
	}
	isPost := func(id string) bool { _, ours := s.ids.PostPath(id); return ours }
	quoted := quotedBy(n)
	if i := slices.IndexFunc(quoted, isPost); i >= 0 {
		return store.ReactionQuote, quoted[i]
	}
	return "", ""
}

// quotedBy are the ids of what an object quotes, in all the ways that this is written: FEP-044f (Mastodon), Misskey's
// property and that of Fedibird and of Akkoma, and a Link among the tags (FEP-e232).
func quotedBy(n node) (ids []string) {
	for _, name := range []string{"quote", "quoteUrl", "quoteUri", "_misskey_quote"} {
		ids = append(ids, n.refs(name)...)
	}
	for _, tag := range n.all("tag") {
		if tag.is("Link") && (isActivityType(tag.text("mediaType")) || slices.ContainsFunc(tag.refs("rel"), isQuoteRel)) {
			ids = append(ids, tag.text("href"))
		}
	}
	return ids
}

func isQuoteRel(rel string) bool {
	return shortTerm(rel) == "_misskey_quote" || shortTerm(rel) == "quote"
}

// quoteRefused tells why a quote does not count, if it does not: the post itself says who may quote it.
func (s *Server) quoteRefused(post store.Post, actor string) (why string, err error) {
	allowed, err := s.mayQuote(post.ID, actor)
	if err != nil {
		return "", fmt.Errorf("ask whether %s may quote: %w", actor, err)
	}
	if !allowed {
		return "not counted: the post is not to be quoted", nil
	}
	return "", nil
}

// isDirect reports whether an object is for those alone whom it mentions.
func (s *Server) isDirect(n node) bool {
	if n.isOpen() {
		return false
	}
	named := append(mentions(n), s.ids.Actor())
	for _, id := range slices.Concat(n.refs("to"), n.refs("cc")) {
		if !slices.Contains(named, id) {
			return false
		}
	}
	return true
}

// contentOf is the text of an object as HTML, as its author sent it. What has none is shown by its title.
func contentOf(n node) string {
	text := n.text("content")
	if text == "" {
		return html.EscapeString(n.text("name"))
	}
	if kind := n.text("mediaType"); kind != "" && !strings.HasPrefix(kind, "text/html") {
		return "<p>" + html.EscapeString(text) + "</p>"
	}
	return text
}
