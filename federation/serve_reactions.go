package federation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"crier/store"
)

// repliesPages is how many pages the replies to a post have at most: counting off those in front of one costs time.
const repliesPages = 500

// countOnly is a collection of which only the number is told, as it stands in a post: Mastodon (4.4 and later) shows
// these numbers of a post that it fetches, or that is edited.
type countOnly struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	TotalItems int    `json:"totalItems"`
}

func noneYet(id string) countOnly { return countOnly{ID: id, Type: "Collection"} }

// UnmarshalJSON takes what posts have there, those of the first versions too: only the id.
func (c *countOnly) UnmarshalJSON(b []byte) error {
	type plain countOnly
	if json.Unmarshal(b, (*plain)(c)) != nil {
		*c = noneYet(idOf(b))
	}
	return nil
}

// withCounts is a post as it is stored with the numbers of today in it.
func (s *Server) withCounts(post store.Post, n store.ReactionCounts) json.RawMessage {
	if post.State != store.PostLive {
		return post.Object
	}
	b := recount(post.Object, "likes", s.ids.Likes(post.Path), n.Likes)
	return recount(b, "shares", s.ids.Shares(post.Path), n.Boosts)
}

// counted is a post with the numbers of today.
func (s *Server) counted(post store.Post) (store.Post, error) {
	n, err := s.db.CountReactions(post.Path)
	if err != nil {
		return post, fmt.Errorf("count the reactions to %s: %w", post.ID, err)
	}
	post.Object = s.withCounts(post, n)
	return post, nil
}

// recount writes a number into a post of ours, whose form is known; all other bytes stay as they are. Posts of the
// first versions have only the collection's id there.
func recount(post []byte, property, id string, n int) []byte {
	name := []byte(`"` + property + `":`) // a quote within a text is escaped, so it stands nowhere else
	at := bytes.Index(post, name)
	if at < 0 {
		return post
	}
	begin := at + len(name)
	rest := post[begin:]
	plain := mustEncode(id)
	end := len(plain)
	if !bytes.HasPrefix(rest, plain) {
		full := bytes.TrimSuffix(mustEncode(noneYet(id)), []byte("0}"))
		if !bytes.HasPrefix(rest, full) {
			return post
		}
		digits := rest[len(full):]
		end = len(full) + bytes.IndexByte(digits, '}') + 1
	}
	now := noneYet(id)
	now.TotalItems = n
	return bytes.Join([][]byte{post[:begin], mustEncode(now), rest[end:]}, nil)
}

// serveReplies answers with the replies to a post that everybody may see, oldest first, as ids: each is for its own
// server to show.
func (s *Server) serveReplies(w http.ResponseWriter, r *http.Request) {
	page, ok := s.pageOf(w, r)
	if !ok {
		return
	}
	post, ok := s.servedPost(w, r, "/replies/")
	if !ok {
		return
	}
	counts, err := s.db.CountReactions(post.Path)
	if err != nil {
		s.fault(w, r, fmt.Errorf("count the replies to a post: %w", err))
		return
	}
	id := s.ids.Replies(post.Path)
	if page == 0 {
		serveCollection(w, r, collection{
			Context: nsActivityStreams, ID: id, Type: "Collection", TotalItems: counts.Replies, First: pageID(id, 1),
		})
		return
	}
	var replies []store.Reaction
	if page <= repliesPages {
		replies, err = s.db.Reactions(post.Path, store.ReactionReply, (page-1)*pageSize, pageSize+1)
	}
	switch {
	case err != nil:
		s.fault(w, r, fmt.Errorf("read the replies to a post: %w", err))
	case page > 1 && len(replies) == 0:
		s.noPage(w, r)
	default:
		serveCollection(w, r, repliesPage(id, page, counts.Replies, replies))
	}
}

// repliesPage is one page of replies, of which it is given one more than it has if there is a next page.
func repliesPage(id string, page, total int, replies []store.Reaction) collectionPage {
	p := collectionPage{
		Context: nsActivityStreams, ID: pageID(id, page), Type: "CollectionPage", PartOf: id, TotalItems: total,
		Items: []json.RawMessage{},
	}
	if len(replies) > pageSize {
		replies = replies[:pageSize]
		p.Next = pageID(id, page+1)
	}
	if page > 1 {
		p.Prev = pageID(id, page-1)
	}
	for _, r := range replies {
		p.Items = append(p.Items, mustEncode(r.ID))
	}
	return p
}

// serveCount returns the handler for the likes or the shares of a post: how many there are is all that
// other servers want to know.
func (s *Server) serveCount(idOf func(path string) string, of func(store.ReactionCounts) int) http.HandlerFunc {
	prefix := idOf("")[len(s.ids.Base()):]
	return func(w http.ResponseWriter, r *http.Request) {
		post, ok := s.servedPost(w, r, prefix)
		if !ok {
			return
		}
		counts, err := s.db.CountReactions(post.Path)
		if err != nil {
			s.fault(w, r, fmt.Errorf("count the reactions to a post: %w", err))
			return
		}
		serveCollection(w, r, collection{
			Context: nsActivityStreams, ID: idOf(post.Path), Type: "Collection", TotalItems: of(counts),
		})
	}
}

func likesOf(n store.ReactionCounts) int  { return n.Likes }
func boostsOf(n store.ReactionCounts) int { return n.Boosts }
