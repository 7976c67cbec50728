package store

import (
	"errors"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// dropNamed takes out of the queue what an actor was to get because a post names it, or because one of its own was
// boosted. Its server may take that for several at one inbox: what a follower or somebody else whom the post names
// is reached through stays.
// reacted are rows of what it was to get for having reacted.
func dropNamed(tx *bolt.Tx, actor string, reacted map[string]bool) error {
	rows := maps.Clone(reacted) // inbox 0 object 0
	err := each(tx, bucketPosts, func(_ []byte, p Post) {
		for _, inbox := range onlyFor(actor, slices.Concat(p.Mentions, p.Former)) {
			rows[string(prefix(inbox, p.ID))] = true
		}
	})
	if err != nil {
		return err
	}
	err = each(tx, bucketBoosts, func(_ []byte, b Boost) {
		if b.Author == actor && b.Inbox != "" {
			rows[string(prefix(b.Inbox, b.Object))] = true
		}
	})
	if err != nil {
		return err
	}
	if err := unname(tx, rows); err != nil {
		return err
	}
	for row := range rows {
		if err := dropRows(tx, []byte(row), func(d Delivery) bool { return !reachesFollowers(tx, d.Inbox) }); err != nil {
			return err
		}
	}
	return nil
}

// onlyFor are the inboxes that mentions lead to for one actor and for no other.
func onlyFor(actor string, mentions []Mention) (inboxes []string) {
	for _, m := range mentions {
		shared := slices.ContainsFunc(mentions, func(o Mention) bool { return o.Actor != actor && o.Inbox == m.Inbox })
		if m.Actor == actor && m.Inbox != "" && !shared {
			inboxes = append(inboxes, m.Inbox)
		}
	}
	return inboxes
}

// reachesFollowers reports whether accepted followers are reached at an inbox. If it cannot be read, nothing is
// dropped: whoever checks the store hears of that.
func reachesFollowers(tx *bolt.Tx, inbox string) bool {
	row, err := get[inboxRow](tx, bucketInboxes, []byte(inbox))
	return !errors.Is(err, ErrNotFound) && (err != nil || row.Followers > 0)
}
