package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// reactorsMost is how many distinct inboxes are told what becomes of a post that somebody there reacted to. Anybody
// can react, also without following; the newest count, since they are who still looks.
const reactorsMost = 1000

// reactorKey stands in reactors, with the inbox as value. Whoever is stored without an inbox has no row.
func reactorKey(r Reaction) []byte {
	return join(prefix(r.Post), timeKey(r.moment()), []byte(r.ID))
}

// placeReactor writes the row of a reaction in reactors.
func placeReactor(tx *bolt.Tx, r Reaction) error {
	if r.Inbox == "" {
		return nil
	}
	return tx.Bucket(bucketReactors).Put(reactorKey(r), []byte(r.Inbox))
}

// reactorInboxes are the inboxes of those who reacted to a post, hidden or not, each once, the newest first. Nobody who
// is blocked is among them: a block removes their reactions.
func reactorInboxes(tx *bolt.Tx, post string) []string {
	rows := prefix(post)
	end := append(bytes.Clone(rows[:len(rows)-1]), 1) // what comes right after all rows
	c := tx.Bucket(bucketReactors).Cursor()
	k, _ := c.Seek(end)
	step := c.Prev
	if k == nil {
		step = c.Last
	}
	var inboxes []string
	seen := map[string]bool{}
	for k, v := step(); bytes.HasPrefix(k, rows) && len(inboxes) < reactorsMost; k, v = c.Prev() {
		if inbox := string(v); !seen[inbox] {
			seen[inbox] = true
			inboxes = append(inboxes, inbox)
		}
	}
	return inboxes
}
