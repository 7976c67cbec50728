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

// pageOf reads which page a request wants: 0 is the collection itself. Where it is no number it has
// answered with 400, and returns false. ("true" is what Mastodon's own addresses say for the first.)
func (s *Server) pageOf(w http.ResponseWriter, r *http.Request) (int, bool) {
	query := r.URL.Query()
	if !query.Has("page") {
		return 0, true
	}
	if len(query["page"]) > 1 || len(query["before"]) > 1 { // caches and proxies do not agree on which one counts
		s.fail(w, r, http.StatusBadRequest, "ask for one page")
		return 0, false
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

// serveOutbox answers with the Creates of the listed posts and the Announces of boosts, newest first.
func (s *Server) serveOutbox(w http.ResponseWriter, r *http.Request) {
	servePaged(s, w, r, paged[store.OutboxItem]{
		id: s.ids.Outbox(), context: threadContext(),
		total: s.countOutbox, page: s.db.OutboxPage, at: s.db.OutboxAt, last: s.db.OutboxLast,
		item: s.outboxItem,
	})
}

// orderedPage is a page of an ordered collection that has but this one.
func orderedPage(id string) collectionPage {
	return collectionPage{
		Context: nsActivityStreams, ID: pageID(id, 1), Type: "OrderedCollectionPage", PartOf: id,
		OrderedItems: []json.RawMessage{},
	}
}

// serveFollowers answers with the accepted followers, newest first, as the article shows it; where the
// owner hides them, with their number alone.
func (s *Server) serveFollowers(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Profile.HideFollowers {
		s.serveFollowersNumber(w, r)
		return
	}
	servePaged(s, w, r, paged[store.Follower]{
		id: s.ids.Followers(), context: nsActivityStreams,
		total: s.db.CountFollowers, page: s.db.FollowersPage, at: s.db.FollowersAt, last: s.db.FollowersLast,
		item: func(f store.Follower) (json.RawMessage, error) { return mustEncode(f.Actor), nil },
	})
}

// serveFollowersNumber answers how many followers there are. Without a first page Mastodon, Misskey and GoToSocial
// know that the rest is hidden.
func (s *Server) serveFollowersNumber(w http.ResponseWriter, r *http.Request) {
	page, ok := s.pageOf(w, r)
	if !ok {
		return
	}
	if page > 0 {
		s.noPage(w, r)
		return
	}
	total, err := s.db.CountFollowers()
	if err != nil {
		s.fault(w, r, fmt.Errorf("count the followers: %w", err))
		return
	}
	serveCollection(w, r, collection{
		Context: nsActivityStreams, ID: s.ids.Followers(), Type: "OrderedCollection", TotalItems: total,
	})
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
		serveCollection(w, r, orderedPage(id))
	default:
		s.noPage(w, r)
	}
}

// servedPost is the post at the path below prefix, if whoever asks may read it; if not it has answered, and
// returns false.
func (s *Server) servedPost(w http.ResponseWriter, r *http.Request, prefix string) (store.Post, bool) {
	post, ok := s.findPost(w, r, prefix)
	if !ok {
		return store.Post{}, false
	}
	if post.State == store.PostDeleted {
		s.fail(w, r, http.StatusNotFound, "the post of this collection was deleted")
		return store.Post{}, false
	}
	return post, s.mayRead(w, r, post)
}
