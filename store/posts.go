package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// PostState is whether a post is there.
type PostState string

const (
	PostLive    PostState = "live"
	PostDeleted PostState = "deleted" // its id answers 410 for ever
)

// Post is one post as the world sees it.
type Post struct {
	Path       string          `json:"path"`            // below /posts/, with the generation
	Entry      string          `json:"entry,omitempty"` // key of its entry; empty: written by hand
	ID         string          `json:"id"`
	URL        string          `json:"url"` // what a browser is sent to
	Title      string          `json:"title,omitempty"`
	Visibility string          `json:"visibility"`
	State      PostState       `json:"state"`
	Published  time.Time       `json:"published"`
	Updated    time.Time       `json:"updated,omitzero"`
	Deleted    time.Time       `json:"deleted,omitzero"`
	Delivered  bool            `json:"delivered,omitempty"` // the followers' servers have it: it was sent to them, boosted or pinned
	Listed     bool            `json:"listed,omitempty"`    // stands in the outbox
	Create     string          `json:"create"`              // id of its Create
	Tags       []string        `json:"tags,omitempty"`      // hashtags without #, lower case
	Object     json.RawMessage `json:"object"`              // the Note, or the Tombstone, exactly as served

	// Pinned is when the post was pinned, zero if it is not. It is the store's own: only Pin changes it, and a
	// deletion ends it, whatever a publication says.
	Pinned time.Time `json:"pinned,omitzero"`

	// What a post written by hand has beside these.
	Source   string    `json:"source,omitempty"`   // its Markdown
	Mentions []Mention `json:"mentions,omitempty"` // the actors it is addressed to by name
	Former   []Mention `json:"former,omitempty"`   // those that an earlier text was addressed to
	Told     []string  `json:"told,omitempty"`     // every inbox beside those of the followers that was ever sent it
}

// Mention is an actor that a post is addressed to by name.
type Mention struct {
	Actor    string `json:"actor"`              // id
	Name     string `json:"name"`               // "@user@host", as the text has it where it does
	Page     string `json:"page"`               // what a browser opens
	Inbox    string `json:"inbox"`              // where the post goes
	Answered bool   `json:"answered,omitempty"` // the post answers one of its posts: it stays, whatever the text says
}

// Activity is one activity of ours, exactly as it is sent.
type Activity struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Object string `json:"object"` // id of what it is about: orders deliveries of one object to one inbox
	Body   []byte `json:"body"`
}

// Publication is one step in the life of a post (it appears, changes or goes), to be stored as one event:
// post, outbox, the exact activity, the deliveries to all distinct inboxes, and the entry's new state.
type Publication struct {
	Entry    Entry  // as it shall be; Version as read
	Fields   []byte // what the post was made from; nil leaves them
	Post     Post
	Activity Activity
	Create   *Activity     // the Create with the newest object, where a Create still stands in the outbox
	Deliver  bool          // to the inboxes of all followers
	Pace     time.Duration // over which those are spread
	Inboxes  []string      // and to these, each once; none that the followers are reached through
	Reactors bool          // and to those who reacted to the post, of the newest inboxes a thousand
	Log      []LogEntry
}

// Publish stores publications in the order given, in one transaction. ErrConflict when an entry changed
// since it was read: nothing is written. It returns how many deliveries were queued.
func (db *DB) Publish(now time.Time, ps ...Publication) (queued int, err error) {
	err = db.b.Update(func(tx *bolt.Tx) error {
		queued = 0
		for _, p := range ps {
			n, err := publish(tx, now, p)
			if err != nil {
				return fmt.Errorf("publish %s of %s: %w", p.Activity.Type, p.Post.ID, err)
			}
			queued += n
		}
		return nil
	})
	return queued, err
}

func publish(tx *bolt.Tx, now time.Time, p Publication) (queued int, err error) {
	if p.Entry.Key != "" {
		if err := putEntry(tx, p.Entry); err != nil {
			return 0, err
		}
	}
	if p.Fields != nil {
		if err := tx.Bucket(bucketPublished).Put([]byte(p.Entry.Key), p.Fields); err != nil {
			return 0, err
		}
	}
	if err := putPost(tx, p.Post); err != nil {
		return 0, err
	}
	for _, a := range []*Activity{&p.Activity, p.Create} {
		if a == nil {
			continue
		}
		if err := put(tx, bucketActivities, []byte(a.ID), a); err != nil {
			return 0, err
		}
	}
	if p.Post.State == PostDeleted {
		if err := dropBoost(tx, p.Post.ID, now); err != nil {
			return 0, err
		}
	}
	if queued, err = sendOut(tx, now, p); err != nil {
		return 0, err
	}
	return queued, appendLog(tx, p.Log...)
}

// putPost writes a post with its index rows. A pin stays as it is while the post lives.
func putPost(tx *bolt.Tx, p Post) error {
	old, err := get[Post](tx, bucketPosts, []byte(p.Path))
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	p.Pinned = time.Time{}
	if p.State == PostLive {
		p.Pinned = old.Pinned
	}
	return replacePost(tx, old, p)
}

// replacePost writes a post and its index rows in the place of what was there (the zero value: nothing).
func replacePost(tx *bolt.Tx, old, p Post) error {
	if err := indexPin(tx, old, p); err != nil {
		return err
	}
	outbox := tx.Bucket(bucketOutbox)
	if old.Listed {
		if err := outbox.Delete(outboxKey(old)); err != nil {
			return err
		}
	}
	if p.Listed {
		if err := outbox.Put(outboxKey(p), nil); err != nil {
			return err
		}
	}
	if _, err := add(tx, bucketMeta, keyListed, number(p.Listed)-number(old.Listed)); err != nil {
		return err
	}
	if err := errors.Join(countPost(tx, old, p), indexURL(tx, old, p)); err != nil {
		return err
	}
	return put(tx, bucketPosts, []byte(p.Path), p)
}

// indexURL lets a page's address lead to its post. A live post takes the row from a deleted one.
func indexURL(tx *bolt.Tx, old, p Post) error {
	byURL := tx.Bucket(bucketPostsByURL)
	if old.URL != "" && old.URL != p.URL && string(byURL.Get(urlKey(old.URL))) == p.Path {
		if err := byURL.Delete(urlKey(old.URL)); err != nil {
			return err
		}
	}
	if p.URL == "" || p.State == PostDeleted && byURL.Get(urlKey(p.URL)) != nil {
		return nil
	}
	return byURL.Put(urlKey(p.URL), []byte(p.Path))
}

func outboxKey(p Post) []byte { return join(timeKey(p.Published), []byte(p.Path)) }

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Post returns the post at that path (below /posts/), or ErrNotFound.
func (db *DB) Post(path string) (p Post, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		p, err = get[Post](tx, bucketPosts, []byte(path))
		return err
	})
	return p, err
}

// PostByURL returns the post whose page has that address: the live one, else a deleted one. Scheme, "www.",
// fragment and a slash at the end do not count. ErrNotFound if there is none.
func (db *DB) PostByURL(url string) (p Post, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		path := tx.Bucket(bucketPostsByURL).Get(urlKey(url))
		if path == nil {
			return ErrNotFound
		}
		p, err = get[Post](tx, bucketPosts, path)
		return err
	})
	return p, err
}

// Posts returns all posts, newest first.
func (db *DB) Posts() (all []Post, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Post](tx, bucketPosts)
		return err
	})
	slices.SortStableFunc(all, func(a, b Post) int { return b.Published.Compare(a.Published) })
	return all, err
}

// CountListed returns how many posts stand in the outbox.
func (db *DB) CountListed() (int, error) { return db.counter(keyListed) }

func (db *DB) counter(key []byte) (n int, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		n = int(parseNumber(tx.Bucket(bucketMeta).Get(key)))
		return nil
	})
	return n, err
}

// Outbox returns up to limit listed posts, newest first, that come after the first skip ones. Boosts are left
// out.
func (db *DB) Outbox(skip, limit int) (page []Post, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketOutbox).Cursor()
		for k, _ := c.Last(); k != nil && len(page) < limit; k, _ = c.Prev() {
			if isAddress(string(k[8:])) {
				continue
			}
			if skip > 0 {
				skip--
				continue
			}
			p, err := get[Post](tx, bucketPosts, k[8:])
			if err != nil {
				return err
			}
			page = append(page, p)
		}
		return nil
	})
	return page, err
}

// Activity returns the stored activity with that id, or ErrNotFound.
func (db *DB) Activity(id string) (a Activity, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		a, err = get[Activity](tx, bucketActivities, []byte(id))
		return err
	})
	return a, err
}
