package federation

import (
	"encoding/json"

	"crier/store"
)

// countOutbox is how many listed posts and boosts there are.
func (s *Server) countOutbox() (int, error) {
	posts, err := s.db.CountListed()
	if err != nil {
		return 0, err
	}
	boosts, err := s.db.CountBoosts()
	return posts + boosts, err
}

// outboxItem is the Announce of a boost, or the Create of a post, with the post as it is today; nil for one that is
// not for everybody, whatever the store lists.
func (s *Server) outboxItem(item store.OutboxItem) (json.RawMessage, error) {
	if item.Post == nil {
		return withoutContext(item.Announce), nil
	}
	if !forEverybody(item.Post.Visibility) || item.Post.State != store.PostLive {
		return nil, nil
	}
	post, err := s.counted(*item.Post)
	if err != nil {
		return nil, err
	}
	create, err := s.activity("Create", post, "")
	return withoutContext(create.Body), err
}
