package federation

import (
	"encoding/json"
	"fmt"

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

// outboxItems are the activities on one page. A post that is not for everybody is no part of them, whatever
// the store lists.
func (s *Server) outboxItems(page int) ([]json.RawMessage, error) {
	listed, err := s.db.OutboxItems((page-1)*pageSize, pageSize)
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	items := []json.RawMessage{}
	for _, item := range listed {
		if item.Post == nil {
			items = append(items, withoutContext(item.Announce))
			continue
		}
		if !forEverybody(item.Post.Visibility) || item.Post.State != store.PostLive {
			continue
		}
		create, err := s.activity("Create", *item.Post, "")
		if err != nil {
			return nil, err
		}
		items = append(items, withoutContext(create.Body))
	}
	return items, nil
}
