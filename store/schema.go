package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The tree of buckets. Values are JSON unless another form is given; an index row has no value.
//
//	meta
//	  schema            number of the schema, decimal: the plainest form, so that any version can read it
//	  account           Account
//	  presence          Presence
//	  inboxes           how many distinct inboxes are not gone, 8 bytes
//	  followers, listed, posts, signings, boosts: counts, 8 bytes
//	  probe             when the disk was tried last, a time
//	  whole             there where the list of followers is known to be whole
//	  moved, unmoved    counts, 8 bytes: deliveries of the last Move that were taken, and that never will be
//	feeds               address                  → Feed
//	entries             key                      → Entry
//	fields              key                      → the entry's fields as the feed has them
//	published           key                      → the fields that its post was last made from
//	extras              key                      → what was learnt of the entry beyond the feed, bytes
//	entries_by_feed     feed 0 key               index
//	entries_by_state    feed 0 state 0 key       index of entries that are new, held or skipped
//	entries_due         time key                 index of entries with something to do
//	posts               path                     → Post
//	posts_by_url        address (see urlKey)     → path, plain
//	outbox              time path                index of listed posts, and
//	                    time object              of boosts that were not taken back
//	pins                time path                index of pinned posts
//	boosts              object                   → Boost
//	activities          id                       → Activity
//	activity_rows       id                       → how many queued deliveries name it, 8 bytes
//	followers           actor                    → Follower
//	followers_since     time actor               index
//	inboxes             inbox                    → inboxRow: a distinct inbox and who is reached there
//	follower_hosts      host                     → accepted followers there: 8 bytes count, 32 bytes digest
//	gone_actors         actor                    → goneActor
//	blocks              actor or domain          → Block
//	old_followers       alias 0 actor            who followed an alias when it was added, as far as it tells
//	told                inbox                    index of inboxes that were told of the move
//	queue               host 0 time seq          → Delivery; time is Next, or the end of time when parked
//	queue_seq           seq                      → key in queue, plain
//	queue_objects       inbox 0 object 0 seq     index
//	tallies             object 0 activity        → tallyRow: what became of an activity that everybody is sent
//	lost                seq                      → Lost
//	waves               class seq                → wave
//	hosts               host                     → hostRow
//	hosts_due           time host                index of hosts with a delivery that is not parked
//	log                 seq                      → LogEntry
//	seen                SHA-256 of the id        → time
//	seen_since          time SHA-256             index
//	subscriptions       feed                     → Subscription
//	notices             subject                  → Notice
//	quotes              id                       → Quote
//	signings            host                     → Signing: how it wants requests signed, where not as usual
//	reactions           id                       → Reaction
//	reactions_by_post   post 0 kind 0 time id    index of reactions that are shown
//	reactions_by_actor  actor 0 post 0 kind 0 id index
//	reaction_counts     post                     → reactionRow
//	reaction_hosts      host                     → bytes of the reactions by its actors, 8 bytes
//	reactors            post 0 time id           → inbox, plain: where those who reacted hear of the post
//	undone              SHA-256 of actor and id  → time, and an s where the id counts again
//	reports             seq                      → Report
//	handles             actor                    → Handle, of those that follow or reacted
//
// A time is 8 bytes that sort as the moments do (see timeKey), a seq is a big-endian integer of 8 bytes.
var (
	bucketMeta           = []byte("meta")
	bucketFeeds          = []byte("feeds")
	bucketEntries        = []byte("entries")
	bucketFields         = []byte("fields")
	bucketPublished      = []byte("published")
	bucketExtras         = []byte("extras")
	bucketEntriesByFeed  = []byte("entries_by_feed")
	bucketEntriesByState = []byte("entries_by_state")
	bucketEntriesDue     = []byte("entries_due")
	bucketPosts          = []byte("posts")
	bucketPostsByURL     = []byte("posts_by_url")
	bucketOutbox         = []byte("outbox")
	bucketPins           = []byte("pins")
	bucketBoosts         = []byte("boosts")
	bucketActivities     = []byte("activities")
	bucketActivityRows   = []byte("activity_rows")
	bucketFollowers      = []byte("followers")
	bucketFollowersSince = []byte("followers_since")
	bucketInboxes        = []byte("inboxes")
	bucketFollowerHosts  = []byte("follower_hosts")
	bucketGoneActors     = []byte("gone_actors")
	bucketBlocks         = []byte("blocks")
	bucketOldFollowers   = []byte("old_followers")
	bucketTold           = []byte("told")
	bucketQueue          = []byte("queue")
	bucketQueueSeq       = []byte("queue_seq")
	bucketQueueObjects   = []byte("queue_objects")
	bucketWaves          = []byte("waves")
	bucketHosts          = []byte("hosts")
	bucketHostsDue       = []byte("hosts_due")
	bucketLog            = []byte("log")
	bucketSeen           = []byte("seen")
	bucketSeenSince      = []byte("seen_since")
	bucketSubscriptions  = []byte("subscriptions")
	bucketNotices        = []byte("notices")
	bucketQuotes         = []byte("quotes")
	bucketSignings       = []byte("signings")

	bucketReactions        = []byte("reactions")
	bucketReactionsByPost  = []byte("reactions_by_post")
	bucketReactionsByActor = []byte("reactions_by_actor")
	bucketReactionCounts   = []byte("reaction_counts")
	bucketReactionHosts    = []byte("reaction_hosts")
	bucketReactors         = []byte("reactors")
	bucketTallies          = []byte("tallies")
	bucketLost             = []byte("lost")
	bucketUndone           = []byte("undone")
	bucketHandles          = []byte("handles")
	bucketReports          = []byte("reports")

	buckets = [][]byte{
		bucketMeta, bucketFeeds, bucketEntries, bucketFields, bucketPublished, bucketEntriesByFeed,
		bucketEntriesDue, bucketPosts, bucketPostsByURL, bucketOutbox, bucketActivities, bucketActivityRows,
		bucketFollowers, bucketFollowersSince, bucketInboxes, bucketGoneActors, bucketQueue, bucketQueueSeq,
		bucketQueueObjects, bucketHosts, bucketHostsDue, bucketLog, bucketSeen, bucketSeenSince,
		bucketExtras, bucketSubscriptions, bucketNotices, bucketQuotes,
		bucketBlocks, bucketWaves,
		bucketSignings,
		bucketReactions, bucketReactionsByPost, bucketReactionsByActor, bucketReactionCounts, bucketReactionHosts,
		bucketReactors, bucketTallies, bucketLost, bucketUndone, bucketFollowerHosts,
		bucketPins, bucketBoosts,
		bucketOldFollowers,
		bucketEntriesByState,
		bucketTold,
		bucketHandles, bucketReports,
	}

	keySchema    = []byte("schema")
	keyAccount   = []byte("account")
	keyPresence  = []byte("presence")
	keyFollowers = []byte("followers")
	keyListed    = []byte("listed")
	keyPosts     = []byte("posts")
	keyInboxes   = []byte("inboxes")
	keySignings  = []byte("signings")
	keyReactions = []byte("reactions")
	keyWhole     = []byte("whole")
	keyLife      = []byte("life")
	keyBoosts    = []byte("boosts")
	keyMoved     = []byte("moved")
	keyUnmoved   = []byte("unmoved")
	keyProbe     = []byte("probe")
)

// endOfTime is the time of a row that is never due.
const endOfTime = ^uint64(0)

var (
	minTime = time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(2250, 1, 1, 0, 0, 0, 0, time.UTC)
)

// timeKey writes a moment as 8 bytes that sort in order of time, before 1970 too. Moments beyond the
// range of unix nanoseconds are moved to its ends.
func timeKey(t time.Time) []byte {
	if t.Before(minTime) {
		t = minTime
	}
	if t.After(maxTime) {
		t = maxTime
	}
	return numberKey(uint64(t.UnixNano()) ^ 1<<63)
}

// parseTime is the inverse of timeKey for the first 8 bytes of a key.
func parseTime(key []byte) time.Time {
	return time.Unix(0, int64(parseNumber(key)^1<<63)).UTC()
}

func numberKey(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// parseNumber reads the first 8 bytes; fewer are 0, as for a counter that was never written.
func parseNumber(b []byte) uint64 {
	if len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

// pair joins the parts of a key that is looked up by prefix.
func pair(parts ...string) []byte { return []byte(strings.Join(parts, "\x00")) }

// prefix is the beginning of all keys made by pair whose first parts are these.
func prefix(parts ...string) []byte { return append(pair(parts...), 0) }

func join(parts ...[]byte) []byte {
	var key []byte
	for _, p := range parts {
		key = append(key, p...)
	}
	return key
}

// queueKey is where a delivery stands in its host's queue.
func queueKey(d Delivery) []byte {
	due := timeKey(d.Next)
	if d.Parked {
		due = numberKey(endOfTime)
	}
	return join(prefix(d.Host), due, numberKey(d.Seq))
}

// queueDue reads when the delivery at a key of queue is due, and whether it ever is.
func queueDue(key []byte) (time.Time, bool) {
	if len(key) < 16 {
		return time.Time{}, false
	}
	due := key[len(key)-16:]
	return parseTime(due), parseNumber(due) != endOfTime
}

func seenKey(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:]
}

// urlKey makes spellings of one page's address equal: scheme, "www.", case of the host, fragment and a
// slash at the end do not count.
func urlKey(address string) []byte {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" {
		return seenKey(address)
	}
	host := strings.TrimPrefix(hostOf(address), "www.")
	key := host + strings.TrimSuffix(u.EscapedPath(), "/")
	if u.RawQuery != "" {
		key += "?" + u.RawQuery
	}
	if len(key) > maxKeyPart {
		return seenKey(key)
	}
	return []byte(key)
}

// hostOf returns the host of an address in lower case, with its port where that is not the default one.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// maxKeyPart bounds what goes into a key, which may have 32 kB in all.
const maxKeyPart = 8 << 10

// checkKey refuses text that would break the parts of a key.
func checkKey(parts ...string) error {
	for _, p := range parts {
		if len(p) > maxKeyPart {
			return fmt.Errorf("%.60q… is too long to be stored", p)
		}
		if strings.ContainsRune(p, 0) {
			return fmt.Errorf("%q contains a NUL character", p)
		}
	}
	return nil
}

// put stores a value as JSON. Nothing is escaped that JSON does not ask for, since a RawMessage must come
// back as it went in.
func put(tx *bolt.Tx, bucket, key []byte, value any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("encode %s %q: %w", bucket, key, err)
	}
	return tx.Bucket(bucket).Put(key, b.Bytes())
}

// get reads a JSON value and copies it out of the transaction; ErrNotFound if there is none.
func get[T any](tx *bolt.Tx, bucket, key []byte) (T, error) {
	var value T
	b := tx.Bucket(bucket).Get(key)
	if b == nil {
		return value, ErrNotFound
	}
	return value, decode(bucket, key, b, &value)
}

func decode(bucket, key, b []byte, value any) error {
	if err := json.Unmarshal(b, value); err != nil {
		return fmt.Errorf("the store is damaged at %s %q: %w", bucket, key, err)
	}
	return nil
}

// add changes a counter by delta and returns its new value; it is removed at 0.
func add(tx *bolt.Tx, bucket, key []byte, delta int) (int, error) {
	b := tx.Bucket(bucket)
	n := max(int(parseNumber(b.Get(key)))+delta, 0)
	if n == 0 {
		return 0, b.Delete(key)
	}
	return n, b.Put(key, numberKey(uint64(n)))
}

// list reads all JSON values of a bucket in order of their keys.
func list[T any](tx *bolt.Tx, bucket []byte) ([]T, error) {
	var all []T
	err := tx.Bucket(bucket).ForEach(func(k, v []byte) error {
		var value T
		if err := decode(bucket, k, v, &value); err != nil {
			return err
		}
		all = append(all, value)
		return nil
	})
	return all, err
}
