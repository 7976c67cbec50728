package federation

import (
	"errors"
	"fmt"
	"time"

	"crier/store"
)

// keepKey stores the key that a follower has just proved to have, where the stored one is not its key any
// more: after a restart the next message must not need a fetch, and must not fail when none is possible. An
// actor with several keys keeps the one that is stored.
func (s *Server) keepKey(by *actor, key publicKey) error {
	if by.stored {
		return nil
	}
	f, err := s.db.Follower(by.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for follower %s: %w", by.ID, err)
	}
	if old, listed := by.named(f.KeyID); listed && old.PEM == f.Key {
		return nil
	}
	changed, err := s.db.ReplaceFollowerKey(by.ID, f.Key, store.FollowerKey{ID: key.ID, PEM: key.PEM}, store.LogEntry{
		Time: time.Now(), Direction: "in", Type: "key", Object: key.ID, From: by.ID, To: s.ids.Actor(),
		Result: "follower's key changed",
	})
	if err != nil {
		return fmt.Errorf("store the new key of follower %s: %w", by.ID, err)
	}
	if changed {
		s.log.Debug("a follower's key has changed", "actor", by.ID, "key", key.ID)
	}
	return nil
}
