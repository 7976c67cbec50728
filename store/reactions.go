package store

import (
	"bytes"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	bolt "go.etcd.io/bbolt"
)

// Reactions come from strangers, so what they may take of the disk is bounded. A like takes about 500 bytes by the
// count of Reaction.size.
const (
	maxReaction      = 16 << 10  // bytes of one's content that are kept
	maxPostReactions = 32 << 20  // bytes of all to one post: some 60,000 likes
	maxHostReactions = 8 << 20   // bytes of all by the actors of one host
	maxAllReactions  = 512 << 20 // bytes of all
)

// ReactionKind is what somebody did with a post of ours.
type ReactionKind string

const (
	ReactionLike  ReactionKind = "like"
	ReactionBoost ReactionKind = "boost"
	ReactionReply ReactionKind = "reply"
	ReactionQuote ReactionKind = "quote"
)

// written reports whether it is a post of its own. Of the others, one by an actor to a post counts.
func (k ReactionKind) written() bool { return k == ReactionReply || k == ReactionQuote }

// Reaction is what somebody elsewhere did with a post of ours.
type Reaction struct {
	ID        string       `json:"id"` // of the activity, or of the note that replies or quotes; the key
	Kind      ReactionKind `json:"kind"`
	Actor     string       `json:"actor"`             // id
	Name      string       `json:"name,omitempty"`    // of the actor
	Handle    string       `json:"handle,omitempty"`  // user@host as the actor's own server names it
	Inbox     string       `json:"inbox,omitempty"`   // where the actor's server takes posts for it: it hears there of changes
	Post      string       `json:"post"`              // Post.Path
	URL       string       `json:"url,omitempty"`     // what a browser is sent to
	Depth     int          `json:"depth,omitempty"`   // of a reply: how many replies lie between it and the post
	Content   string       `json:"content,omitempty"` // HTML as it came, at most 16 kB: not to be shown as it is
	Published time.Time    `json:"published,omitzero"`
	Updated   time.Time    `json:"updated,omitzero"`
	Received  time.Time    `json:"received"`
	Public    bool         `json:"public,omitempty"` // everybody may see it
	Hidden    bool         `json:"hidden,omitempty"` // the owner does not want it to be seen
}

// seen reports whether everybody is shown it.
func (r Reaction) seen() bool { return r.Public && !r.Hidden }

// size is what a reaction takes of the disk, with its index rows, about.
func (r Reaction) size() int {
	n := 250 + 3*(len(r.ID)+len(r.Post)) + 2*len(r.Actor) + len(r.Name) + len(r.Handle) + len(r.URL) + len(r.Content)
	if r.Inbox != "" {
		n += 40 + len(r.ID) + len(r.Post) + 2*len(r.Inbox)
	}
	return n
}

// moment is where it stands among others: a date to come is none.
func (r Reaction) moment() time.Time {
	if r.Published.IsZero() || r.Published.After(r.Received) {
		return r.Received
	}
	return r.Published
}

// ReactionCounts is how many reactions to a post are shown.
type ReactionCounts struct {
	Likes   int `json:"likes,omitempty"`
	Boosts  int `json:"boosts,omitempty"`
	Replies int `json:"replies,omitempty"`
	Quotes  int `json:"quotes,omitempty"`
}

// of is the count of one kind.
func (c *ReactionCounts) of(kind ReactionKind) *int {
	switch kind {
	case ReactionLike:
		return &c.Likes
	case ReactionBoost:
		return &c.Boosts
	case ReactionReply:
		return &c.Replies
	}
	return &c.Quotes
}

// reactionRow is what is counted of the reactions to one post.
type reactionRow struct {
	ReactionCounts
	Bytes int `json:"bytes"` // of all, seen or not
}

// PutReaction stores a reaction, or what its author made of it since. One like and one boost of an actor and post
// count once, under the newest id. What is known already keeps its post, its kind, the time it came and whether it is
// hidden. seen is marked as seen if not empty, and the log lines are written, in the same transaction. It reports
// whether the reaction is new; ErrConflict where that id is another actor's, ErrFull where there is no room for more
// by that host or to that post: nothing is written then.
func (db *DB) PutReaction(now time.Time, r Reaction, seen string, log ...LogEntry) (added bool, err error) {
	if len(r.Content) > maxReaction {
		r.Content = cut(r.Content, maxReaction)
	}
	err = db.b.Update(func(tx *bolt.Tx) error {
		if isBlocked(tx, r.Actor) {
			return fmt.Errorf("store %s %s of %s: %w", r.Kind, r.ID, r.Post, ErrBlocked)
		}
		if added, err = putReaction(tx, r); err != nil {
			return fmt.Errorf("store %s %s of %s: %w", r.Kind, r.ID, r.Post, err)
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	return added, err
}

// cut shortens text to at most max bytes, between characters.
func cut(s string, max int) string {
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max]
}

func putReaction(tx *bolt.Tx, r Reaction) (added bool, err error) {
	if err := checkKey(r.ID, r.Actor, r.Post, r.Inbox, string(r.Kind)); err != nil {
		return false, err
	}
	old, err := sameReaction(tx, r)
	switch {
	case errors.Is(err, ErrNotFound):
		added = true
	case err != nil:
		return false, err
	case old.Actor != r.Actor:
		return false, ErrConflict
	default:
		r.Kind, r.Post, r.Depth, r.Received, r.Hidden = old.Kind, old.Post, old.Depth, old.Received, old.Hidden
		if r.Published.IsZero() {
			r.Published = old.Published
		}
		if err := dropReaction(tx, old); err != nil {
			return false, err
		}
	}
	if err := placeReaction(tx, r); err != nil {
		return false, err
	}
	if r.size() <= old.size() {
		return added, nil
	}
	return added, reactionsFit(tx, r)
}

// placeReaction writes a reaction that is not there, with its index rows and counts.
func placeReaction(tx *bolt.Tx, r Reaction) error {
	if r.seen() {
		if err := tx.Bucket(bucketReactionsByPost).Put(reactionPostKey(r), nil); err != nil {
			return err
		}
	}
	if err := tx.Bucket(bucketReactionsByActor).Put(reactionActorKey(r), nil); err != nil {
		return err
	}
	if err := placeReactor(tx, r); err != nil {
		return err
	}
	if err := countReaction(tx, r, +1); err != nil {
		return err
	}
	return put(tx, bucketReactions, []byte(r.ID), r)
}

// sameReaction is the stored reaction that a new one takes the place of, or ErrNotFound.
func sameReaction(tx *bolt.Tx, r Reaction) (Reaction, error) {
	old, err := get[Reaction](tx, bucketReactions, []byte(r.ID))
	if !errors.Is(err, ErrNotFound) || r.Kind.written() {
		return old, err
	}
	return reactionOf(tx, r.Actor, r.Kind, r.Post)
}

func reactionOf(tx *bolt.Tx, actor string, kind ReactionKind, post string) (Reaction, error) {
	rows := prefix(actor, post, string(kind))
	k, _ := seek(tx, bucketReactionsByActor, rows)
	if k == nil {
		return Reaction{}, ErrNotFound
	}
	return get[Reaction](tx, bucketReactions, k[len(rows):])
}

func reactionPostKey(r Reaction) []byte {
	return join(prefix(r.Post, string(r.Kind)), timeKey(r.moment()), []byte(r.ID))
}

func reactionActorKey(r Reaction) []byte { return pair(r.Actor, r.Post, string(r.Kind), r.ID) }

// dropReaction removes a reaction with its index rows and counts.
func dropReaction(tx *bolt.Tx, r Reaction) error {
	if err := tx.Bucket(bucketReactions).Delete([]byte(r.ID)); err != nil {
		return err
	}
	if err := tx.Bucket(bucketReactionsByPost).Delete(reactionPostKey(r)); err != nil {
		return err
	}
	if err := tx.Bucket(bucketReactionsByActor).Delete(reactionActorKey(r)); err != nil {
		return err
	}
	if err := tx.Bucket(bucketReactors).Delete(reactorKey(r)); err != nil {
		return err
	}
	return countReaction(tx, r, -1)
}

// countReaction adds a reaction to the counts, or takes it out of them (delta -1).
func countReaction(tx *bolt.Tx, r Reaction, delta int) error {
	row, err := get[reactionRow](tx, bucketReactionCounts, []byte(r.Post))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	row.Bytes += delta * r.size()
	if r.seen() {
		*row.of(r.Kind) += delta
	}
	if _, err := add(tx, bucketReactionHosts, []byte(reactionHost(r)), delta*r.size()); err != nil {
		return err
	}
	if _, err := add(tx, bucketMeta, keyReactions, delta*r.size()); err != nil {
		return err
	}
	if row.Bytes <= 0 {
		return tx.Bucket(bucketReactionCounts).Delete([]byte(r.Post))
	}
	return put(tx, bucketReactionCounts, []byte(r.Post), row)
}

// reactionsFit returns ErrFull where a reaction that was just written is too much.
func reactionsFit(tx *bolt.Tx, r Reaction) error {
	row, err := get[reactionRow](tx, bucketReactionCounts, []byte(r.Post))
	if err != nil {
		return err
	}
	byHost := parseNumber(tx.Bucket(bucketReactionHosts).Get([]byte(reactionHost(r))))
	all := parseNumber(tx.Bucket(bucketMeta).Get(keyReactions))
	if row.Bytes > maxPostReactions || byHost > maxHostReactions || all > maxAllReactions {
		return ErrFull
	}
	return nil
}

// reactionHost is the key that a reaction's bytes are counted under; a key must not be empty.
func reactionHost(r Reaction) string {
	if host := hostOf(r.Actor); host != "" {
		return host
	}
	return "?"
}

// RemoveReaction removes the reaction with that id (of an activity, or of a note) if it is that actor's; a note that
// is gone is remembered among what was undone, so that nothing that comes late brings it back. seen is marked as seen
// if not empty. It reports whether there was such a reaction; the log lines are written in any case.
func (db *DB) RemoveReaction(now time.Time, actor, id string, seen string, log ...LogEntry) (removed bool, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		r, err := get[Reaction](tx, bucketReactions, []byte(id))
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if removed = err == nil && r.Actor == actor; removed {
			if err := dropReaction(tx, r); err != nil {
				return fmt.Errorf("remove %s %s: %w", r.Kind, id, err)
			}
			if err := forgetHandle(tx, actor); err != nil {
				return err
			}
			if r.Kind.written() {
				if err := putUndone(tx, now, actor, id); err != nil {
					return err
				}
			}
		}
		if err := markSeen(tx, now, seen); err != nil {
			return err
		}
		return appendLog(tx, log...)
	})
	return removed, err
}

// RemoveReactionsBy removes all reactions of an actor and returns how many there were.
func (db *DB) RemoveReactionsBy(now time.Time, actor string) (n int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		n, err = removeReactionsBy(tx, actor)
		return err
	})
	return n, err
}

func removeReactionsBy(tx *bolt.Tx, actor string) (n int, err error) {
	err = eachReactionBy(tx, actor, func(r Reaction) error {
		n++
		return dropReaction(tx, r)
	})
	if err != nil {
		return 0, fmt.Errorf("remove the reactions of %s: %w", actor, err)
	}
	return n, forgetHandle(tx, actor)
}

// eachReactionBy calls f with every reaction of an actor, which f may change or remove.
func eachReactionBy(tx *bolt.Tx, actor string, f func(Reaction) error) error {
	for _, k := range keys(tx, bucketReactionsByActor, prefix(actor)) {
		r, err := get[Reaction](tx, bucketReactions, reactionID(k))
		if err != nil {
			return err
		}
		if err := f(r); err != nil {
			return err
		}
	}
	return nil
}

// HideReaction has a reaction not shown any more, or shown again, and returns it as it is now; ErrNotFound if there
// is none.
func (db *DB) HideReaction(id string, hidden bool) (r Reaction, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		if r, err = get[Reaction](tx, bucketReactions, []byte(id)); err != nil {
			return err
		}
		if err := dropReaction(tx, r); err != nil {
			return err
		}
		r.Hidden = hidden
		return placeReaction(tx, r)
	})
	return r, err
}

// Reaction returns the reaction with that id, or ErrNotFound.
func (db *DB) Reaction(id string) (r Reaction, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		r, err = get[Reaction](tx, bucketReactions, []byte(id))
		return err
	})
	return r, err
}

// ReactionOf returns an actor's reaction of that kind to a post (of several replies, one), or ErrNotFound.
func (db *DB) ReactionOf(actor string, kind ReactionKind, post string) (r Reaction, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		r, err = reactionOf(tx, actor, kind, post)
		return err
	})
	return r, err
}

// Reactions returns up to limit (0: all) reactions of one kind to a post that everybody is shown, oldest first, that
// come after the first skip ones. The post is a Post.Path.
func (db *DB) Reactions(post string, kind ReactionKind, skip, limit int) (page []Reaction, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		rows := prefix(post, string(kind))
		return scan(tx, bucketReactionsByPost, rows, func(k, _ []byte) (bool, error) {
			if skip > 0 {
				skip--
				return true, nil
			}
			r, err := get[Reaction](tx, bucketReactions, k[len(rows)+8:])
			page = append(page, r)
			return limit == 0 || len(page) < limit, err
		})
	})
	return page, err
}

// CountReactions returns how many reactions to a post are shown. The post is a Post.Path.
func (db *DB) CountReactions(post string) (ReactionCounts, error) {
	var row reactionRow
	err := db.b.View(func(tx *bolt.Tx) error {
		var err error
		row, err = get[reactionRow](tx, bucketReactionCounts, []byte(post))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
	return row.ReactionCounts, err
}

// reactionID reads the id off a key of reactions_by_actor.
func reactionID(key []byte) []byte { return key[bytes.LastIndexByte(key, 0)+1:] }
