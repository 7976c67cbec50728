package federation

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"crier/content"
	"crier/store"
)

const (
	maxDraft    = 60 << 10         // bytes of Markdown; of more, package content would read only a part
	askingTime  = 60 * time.Second // for all look-ups that one post needs
	titleLength = 60               // of a post without a title, in lists
)

// Draft is a post as the owner writes it.
type Draft struct {
	Markdown   string
	Warning    *string // content warning, plain text; nil: none, or that of the post that is edited
	Visibility string  // "public", "unlisted", "followers" or "direct"; empty: that of what is answered, else public
	ReplyTo    string  // address of what is answered; empty: nothing
}

// Done is what became of something that the owner did by hand.
type Done struct {
	Post    store.Post
	Boost   store.Boost // of a boost
	Changed bool        // false: everything was as wished already
	Queued  int         // deliveries
	Notes   []string    // what the owner should know besides
}

// handmade is all that a post written by hand is made from.
type handmade struct {
	path               string
	markdown, warning  string
	visibility         string
	to                 *addressees
	inReplyTo          string
	conversation       string
	thread             string
	published, updated time.Time
}

// Compose publishes a post that the owner wrote: to the followers and whoever it mentions or answers, or to these
// alone. An account that has moved away publishes nothing. An error means that nothing was stored.
func (s *Server) Compose(ctx context.Context, d Draft) (Done, error) {
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	if err := s.canPublish(); err != nil {
		return Done{}, err
	}
	if err := checkDraft(d); err != nil {
		return Done{}, err
	}
	now := time.Now()
	salt := make([]byte, 16)
	if _, err := rand.Read(salt); err != nil {
		return Done{}, fmt.Errorf("make an id: %w", err)
	}
	h := handmade{
		path: handPath(d.Markdown, now, salt), markdown: d.Markdown, visibility: firstOf(d.Visibility, visibilityPublic),
		published: now.UTC().Truncate(time.Second),
	}
	if d.Warning != nil {
		h.warning = *d.Warning
	}
	if err := s.address(ctx, &h, d); err != nil {
		return Done{}, err
	}
	post, err := s.handNote(h)
	if err != nil {
		return Done{}, err
	}
	create, err := s.activity("Create", post, "")
	if err != nil {
		return Done{}, err
	}
	s.byHand.Lock()
	defer s.byHand.Unlock()
	return s.publishByHand(store.Publication{Post: post, Activity: create}, h.to.failed)
}

func checkDraft(d Draft) error {
	switch {
	case strings.TrimSpace(d.Markdown) == "":
		return errors.New("a post needs a text")
	case len(d.Markdown) > maxDraft:
		return fmt.Errorf("the text has %d bytes; %d are the most", len(d.Markdown), maxDraft)
	case d.Visibility != "" && breadth(d.Visibility) < 0:
		return fmt.Errorf("visibility %q is none of public, unlisted, followers, direct", d.Visibility)
	}
	return nil
}

// address finds out whom a new post answers and mentions.
func (s *Server) address(ctx context.Context, h *handmade, d Draft) error {
	var author *store.Mention
	if d.ReplyTo != "" {
		t, err := s.thing(ctx, d.ReplyTo)
		if err != nil {
			return fmt.Errorf("find what is to be answered: %w", err)
		}
		h.inReplyTo, h.conversation, h.thread = t.ID, t.Conversation, t.Thread
		if h.visibility, err = replyVisibility(d.Visibility, t); err != nil {
			return err
		}
		if t.ours == nil {
			if author, err = s.authorOf(ctx, t, h.visibility); err != nil {
				return err
			}
		}
	}
	var err error
	if h.to, err = s.resolveMentions(ctx, d.Markdown, h.visibility); err != nil {
		return err
	}
	if author != nil {
		h.to.add(*author)
	}
	return h.check()
}

// check refuses a direct post to nobody.
func (h *handmade) check() error {
	if h.visibility != visibilityDirect || len(h.to.list) > 0 {
		return nil
	}
	why := "it mentions nobody (write @user@host)"
	if len(h.to.failed) > 0 {
		why = strings.Join(h.to.failed, "; ")
	}
	return fmt.Errorf("a direct post goes to those it mentions alone: %s", why)
}

// replyVisibility is who may see an answer: never more people than see what it answers.
func replyVisibility(wish string, t thing) (string, error) {
	if wish == "" {
		return t.Visibility, nil
	}
	if breadth(wish) < breadth(t.Visibility) {
		return "", fmt.Errorf("an answer is not for more people than what it answers: %s is %q, so %q cannot be",
			t.ID, t.Visibility, wish)
	}
	return wish, nil
}

// authorOf is the author of a post elsewhere, to be told of an answer.
func (s *Server) authorOf(ctx context.Context, t thing, visibility string) (*store.Mention, error) {
	p, err := s.somebody(ctx, t.Author)
	if err != nil {
		return nil, fmt.Errorf("find the author of %s: %w", t.ID, err)
	}
	handle := s.called(ctx, p.document, firstOf(p.Handle, hostOf(p.ID)))
	return &store.Mention{
		Actor: p.ID, Name: "@" + handle, Page: p.Page, Inbox: p.box(visibility), Answered: true,
	}, nil
}

// handNote makes the post. The same arguments give the same post, byte for byte.
func (s *Server) handNote(h handmade) (store.Post, error) {
	id := s.ids.Post(h.path)
	to, cc, err := s.audience(h.visibility, h.to.list...)
	if err != nil {
		return store.Post{}, err
	}
	p := content.Render(content.Entry{Markdown: h.markdown, Warning: h.warning}, content.Extras{}, content.Options{
		Mode: content.ModeFull, Pictures: content.PicturesAttach, TagBase: s.ids.TagBase(), Mentions: h.to.links,
		Language: s.agreed(func(c content.Style) string { return c.Language }),
	})
	if p.HTML == "" && len(p.Attachments) == 0 {
		return store.Post{}, errors.New("nothing is left of the text that a post can show")
	}
	n := noteObject{
		Context: postContext(), ID: id, Type: typeNote, AttributedTo: s.ids.Actor(), To: to, CC: cc,
		Summary: p.Warning, Sensitive: p.Sensitive, InReplyTo: h.inReplyTo, Conversation: h.conversation, Thread: h.thread,
		Published: stamp(h.published), Updated: stamp(h.updated), URL: id,
		Content: p.HTML, Attachment: attachments(p.Attachments), Tag: []tag{},
		Replies: s.emptyReplies(h.path), Likes: noneYet(s.ids.Likes(h.path)), Shares: noneYet(s.ids.Shares(h.path)),
	}
	if h.conversation != "" {
		n.Context = threadContext()
	}
	if p.Language != "" {
		n.ContentMap = map[string]string{p.Language: n.Content}
	}
	post := store.Post{
		Path: h.path, ID: id, URL: id, Title: firstOf(p.Warning, plainText(p.HTML, titleLength)),
		Visibility: h.visibility, State: store.PostLive, Published: h.published, Updated: h.updated,
		Delivered: h.visibility != visibilityDirect, Listed: forEverybody(h.visibility),
		Create: s.ids.Activity("Create", id, ""), Source: h.markdown, Mentions: h.to.list,
	}
	for _, m := range h.to.list {
		n.Tag = append(n.Tag, tag{Type: "Mention", Name: m.Name, Href: m.Actor})
		post.Told = append(post.Told, m.Inbox)
	}
	for _, t := range p.Tags {
		n.Tag = append(n.Tag, tag{Type: "Hashtag", Name: "#" + t.Name, Href: t.Href})
		post.Tags = append(post.Tags, strings.ToLower(t.Name))
	}
	n.InteractionPolicy = s.quotePolicy(postInfo{
		Visibility: h.visibility, Quotes: s.agreed(func(c content.Style) string { return c.Quotes }),
	})
	if post.Object, err = encode(n); err != nil {
		return store.Post{}, fmt.Errorf("encode the post %s: %w", id, err)
	}
	return post, nil
}

// agreed is a setting that all feeds have in common: what is not said of posts written by hand. Nothing, where they
// differ.
func (s *Server) agreed(setting func(content.Style) string) string {
	values := map[string]bool{}
	for _, c := range s.cfg.Feeds {
		values[setting(c)] = true
	}
	if len(values) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(values))[0]
}

// concerned are the inboxes of those whom a step of a post concerns by name. Who was blocked since is told of its end
// alone.
func (s *Server) concerned(p store.Publication) []string {
	ends := p.Activity.Type == "Delete"
	var inboxes, shut []string
	for _, m := range p.Post.Mentions {
		if !ends && s.blocked(m.Actor) {
			shut = append(shut, m.Inbox)
			continue
		}
		inboxes = append(inboxes, m.Inbox)
	}
	if !ends && !forEverybody(p.Post.Visibility) {
		return inboxes
	}
	for _, m := range p.Post.Former {
		if !ends && s.blocked(m.Actor) {
			shut = append(shut, m.Inbox)
		}
	}
	for _, inbox := range p.Post.Told {
		if !slices.Contains(shut, inbox) {
			inboxes = append(inboxes, inbox)
		}
	}
	return inboxes
}

// publishByHand stores a step in the life of a post that the owner took, and tells of it: the followers, unless the
// post is direct, and whoever it concerns. What was mentioned once and is not any more hears of a deletion, and of an
// edit only where everybody may read it.
func (s *Server) publishByHand(p store.Publication, notes []string) (Done, error) {
	p.Deliver = p.Post.Delivered
	p.Inboxes = s.concerned(p)
	p.Reactors = p.Activity.Type == "Delete" || p.Activity.Type == "Update" && forEverybody(p.Post.Visibility)
	queued, err := s.commit(p)
	if err != nil {
		return Done{}, fmt.Errorf("store the %s of %s: %w", p.Activity.Type, p.Post.ID, err)
	}
	s.logPublication(p, queued)
	if queued > 0 {
		s.WakeDeliverer()
	}
	return Done{Post: p.Post, Changed: true, Queued: queued, Notes: notes}, nil
}
