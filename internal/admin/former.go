package admin

import (
	"cmp"
	"fmt"

	"crier/store"
)

// FormerAccount is the account that this one takes the place of, where there is one.
type FormerAccount struct {
	Handle    string `json:"handle"` // user@host
	Actor     string `json:"actor"`
	BaseURL   string `json:"base_url"`
	Followers int    `json:"followers"`          // that have not gone over
	MovedTo   string `json:"moved_to,omitempty"` // handle or id; empty: it has not moved yet
}

// FormerOf reads the former account from its own store; actor is its id.
func FormerOf(db *store.DB, actor string) (FormerAccount, error) {
	acc, err := db.Account()
	if err != nil {
		return FormerAccount{}, fmt.Errorf("read the former account: %w", err)
	}
	f := FormerAccount{Handle: acc.Handle, Actor: actor, BaseURL: acc.BaseURL}
	if f.Followers, err = db.CountFollowers(); err != nil {
		return f, fmt.Errorf("count the followers of the former account: %w", err)
	}
	p, err := db.Presence()
	if err != nil {
		return f, fmt.Errorf("read the former account: %w", err)
	}
	if p.Move != nil {
		f.MovedTo = cmp.Or(p.Move.Handle, p.Move.Target)
	}
	return f, nil
}

// former fills in the former account, if one is served.
func (o *Ops) former(s *Status) error {
	if o.Former == nil {
		return nil
	}
	f, err := o.Former()
	if err != nil {
		return err
	}
	s.Former = &f
	return nil
}
