package federation

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"crier/store"
)

// pageSize is how many items one page of a collection has.
const pageSize = 20

// collection is a Collection or OrderedCollection (ActivityPub §5). Mastodon, Misskey and GoToSocial read
// a missing first as "hidden".
type collection struct {
	Context      any               `json:"@context"`
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	TotalItems   int               `json:"totalItems"`
	First        string            `json:"first,omitempty"`
	Last         string            `json:"last,omitempty"`
	OrderedItems []json.RawMessage `json:"orderedItems,omitzero"`
}

type collectionPage struct {
	Context      any               `json:"@context"`
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	PartOf       string            `json:"partOf"`
	TotalItems   int               `json:"totalItems"`
	Next         string            `json:"next,omitempty"`
	Prev         string            `json:"prev,omitempty"`
	Items        []json.RawMessage `json:"items,omitzero"`
	OrderedItems []json.RawMessage `json:"orderedItems,omitzero"`
}

// pageID is the id of a page, the first being 1.
func pageID(collection string, page int) string { return collection + "?page=" + strconv.Itoa(page) }

// pageOf reads which page a request wants: 0 is the collection itself. Where it is no number it has
// answered with 400, and returns false. ("true" is what Mastodon's own addresses say for the first.)
func (s *Server) pageOf(w http.ResponseWriter, r *http.Request) (int, bool) {
	query := r.URL.Query()
	if !query.Has("page") {
		return 0, true
	}
	if query.Get("page") == "true" {
		return 1, true
	}
	page, err := strconv.Atoi(query.Get("page"))
	if err != nil || page < 1 || page > 1<<24 {
		s.fail(w, r, http.StatusBadRequest, "a page is a number from 1")
		return 0, false
	}
	return page, true
}

func (s *Server) noPage(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, "there is no such page")
}

func serveCollection(w http.ResponseWriter, r *http.Request, v any) {
	newDocument(mustEncode(v), ageCollection).serve(w, r)
}

// serveOutbox answers with the Creates of the listed posts, each with the post as it is today, and with the
// Announces of boosts, newest first.
func (s *Server) serveOutbox(w http.ResponseWriter, r *http.Request) {
	page, ok := s.pageOf(w, r)
	if !ok {
		return
	}
	total, err := s.countOutbox()
	if err != nil {
		s.fault(w, r, fmt.Errorf("count the outbox: %w", err))
		return
	}
	id, last := s.ids.Outbox(), max(1, (total+pageSize-1)/pageSize)
	switch {
	case page == 0:
		serveCollection(w, r, collection{
			Context: nsActivityStreams, ID: id, Type: "OrderedCollection", TotalItems: total,
			First: pageID(id, 1), Last: pageID(id, last),
		})
		return
	case page > last:
		s.noPage(w, r)
		return
	}
	items, err := s.outboxItems(page)
	if err != nil {
		s.fault(w, r, err)
		return
	}
	p := orderedPage(id, page, total)
	p.Context, p.OrderedItems = threadContext(), items
	if page < last {
		p.Next = pageID(id, page+1)
	}
	serveCollection(w, r, p)
}

// orderedPage is a page of an ordered collection, as yet without items and next.
func orderedPage(id string, page, total int) collectionPage {
	p := collectionPage{
		Context: nsActivityStreams, ID: pageID(id, page), Type: "OrderedCollectionPage", PartOf: id,
		TotalItems: total, OrderedItems: []json.RawMessage{},
	}
	if page > 1 {
		p.Prev = pageID(id, page-1)
	}
	return p
}

// serveFollowers answers with the accepted followers, newest first, as the article shows it; where the
// owner hides them, with their number alone.
func (s *Server) serveFollowers(w http.ResponseWriter, r *http.Request) {
	page, ok := s.pageOf(w, r)
	if !ok {
		return
	}
	total, err := s.db.CountFollowers()
	if err != nil {
		s.fault(w, r, fmt.Errorf("count the followers: %w", err))
		return
	}
	id, hidden := s.ids.Followers(), s.cfg.Profile.HideFollowers
	switch {
	case page == 0:
		c := collection{Context: nsActivityStreams, ID: id, Type: "OrderedCollection", TotalItems: total}
		if !hidden {
			c.First = pageID(id, 1)
		}
		serveCollection(w, r, c)
	case hidden:
		s.noPage(w, r)
	default:
		s.serveFollowersPage(w, r, page, total)
	}
}

func (s *Server) serveFollowersPage(w http.ResponseWriter, r *http.Request, page, total int) {
	followers, err := s.db.Followers((page-1)*pageSize, pageSize+1) // one more tells whether there is a next page
	if err != nil {
		s.fault(w, r, fmt.Errorf("read the followers: %w", err))
		return
	}
	if page > 1 && len(followers) == 0 {
		s.noPage(w, r)
		return
	}
	id := s.ids.Followers()
	p := orderedPage(id, page, total)
	if len(followers) > pageSize {
		followers = followers[:pageSize]
		p.Next = pageID(id, page+1)
	}
	for _, f := range followers {
		if f.State == store.FollowerAccepted {
			p.OrderedItems = append(p.OrderedItems, mustEncode(f.Actor))
		}
	}
	serveCollection(w, r, p)
}

// serveFollowing answers that the account follows nobody. It has a first page all the same, or Mastodon
// says that the list is hidden.
func (s *Server) serveFollowing(w http.ResponseWriter, r *http.Request) {
	page, ok := s.pageOf(w, r)
	id := s.ids.Following()
	switch {
	case !ok:
	case page == 0:
		serveCollection(w, r, collection{
			Context: nsActivityStreams, ID: id, Type: "OrderedCollection", First: pageID(id, 1),
		})
	case page == 1:
		serveCollection(w, r, orderedPage(id, 1, 0))
	default:
		s.noPage(w, r)
	}
}

// servedPost is the post at the path below prefix, if everybody may read it; if not it has answered, and
// returns false.
func (s *Server) servedPost(w http.ResponseWriter, r *http.Request, prefix string) (store.Post, bool) {
	post, ok := s.findPost(w, r, prefix)
	switch {
	case !ok:
		return store.Post{}, false
	case post.State == store.PostDeleted:
		s.fail(w, r, http.StatusNotFound, "the post of this collection was deleted")
		return store.Post{}, false
	case !forEverybody(post.Visibility):
		s.fail(w, r, http.StatusForbidden, "this post is not for everybody")
		return store.Post{}, false
	}
	return post, true
}

// serveReplies answers with the replies to a post.
func (s *Server) serveReplies(w http.ResponseWriter, r *http.Request) {
	page, ok := s.pageOf(w, r)
	if !ok {
		return
	}
	post, ok := s.servedPost(w, r, "/replies/")
	if !ok {
		return
	}
	id := s.ids.Replies(post.Path)
	switch page {
	case 0:
		serveCollection(w, r, collection{
			Context: nsActivityStreams, ID: id, Type: "Collection", First: pageID(id, 1),
		})
	case 1:
		serveCollection(w, r, collectionPage{
			Context: nsActivityStreams, ID: pageID(id, 1), Type: "CollectionPage", PartOf: id, Items: []json.RawMessage{},
		})
	default:
		s.noPage(w, r)
	}
}

// serveCount returns the handler for the likes or the shares of a post: how many there are is all that
// other servers want to know.
func (s *Server) serveCount(idOf func(path string) string) http.HandlerFunc {
	prefix := idOf("")[len(s.ids.Base()):]
	return func(w http.ResponseWriter, r *http.Request) {
		post, ok := s.servedPost(w, r, prefix)
		if !ok {
			return
		}
		serveCollection(w, r, collection{Context: nsActivityStreams, ID: idOf(post.Path), Type: "Collection"})
	}
}
