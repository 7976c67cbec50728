package store

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	bolt "go.etcd.io/bbolt"
)

// BlockKind is what a block is of.
type BlockKind string

const (
	BlockActor  BlockKind = "actor"
	BlockDomain BlockKind = "domain" // with everything below it
)

// Block says that the owner wants nothing to do with an actor or a domain.
type Block struct {
	What   string    `json:"what"` // id of the actor, or the domain as HostName writes it; the key
	Kind   BlockKind `json:"kind"`
	Handle string    `json:"handle,omitempty"` // of the actor, where it was known
	Since  time.Time `json:"since"`
	Note   string    `json:"note,omitempty"` // the owner's own
}

// Blocking is a block with what follows from it, to be stored as one event.
type Blocking struct {
	Block Block

	// Ended is the follow of a blocked actor, as it was read, and Reject the answer that ends it at its own
	// server. Both are nil for an actor that does not follow, and for a domain, which is told nothing.
	Ended  *Follower
	Reject *Activity

	Log []LogEntry
}

// Blocked tells what a block did.
type Blocked struct {
	Block      Block // as it stands now
	Known      bool  // there was such a block already; it keeps its Since, and its note where there is no new one
	Followers  int   // that were removed
	Deliveries int   // that were dropped
}

// AddBlock stores a block, removes the followers that it covers, and drops the deliveries that only they were
// to get; of a domain, all deliveries to its hosts. From then on Blocked says so, nothing is queued for a
// blocked domain, and AddFollower takes nobody who is blocked. ErrConflict if the follow to be ended is not
// (any longer) as Ended says.
func (db *DB) AddBlock(now time.Time, b Blocking) (done Blocked, err error) {
	err = db.changeBlocks(func(tx *bolt.Tx) error {
		if done, err = addBlock(tx, now, b); err != nil {
			return fmt.Errorf("block %s: %w", b.Block.What, err)
		}
		return appendLog(tx, b.Log...)
	})
	return done, err
}

func addBlock(tx *bolt.Tx, now time.Time, b Blocking) (done Blocked, err error) {
	if err := checkKey(b.Block.What); err != nil {
		return done, err
	}
	key := []byte(b.Block.What)
	old, err := get[Block](tx, bucketBlocks, key)
	done.Known = err == nil
	if err != nil && !errors.Is(err, ErrNotFound) {
		return done, err
	}
	if done.Known {
		b.Block.Since = old.Since
		b.Block.Note = firstOf(b.Block.Note, old.Note)
		b.Block.Handle = firstOf(b.Block.Handle, old.Handle)
	}
	done.Block = b.Block
	if err := put(tx, bucketBlocks, key, b.Block); err != nil {
		return done, err
	}
	before := queued(tx)
	if b.Block.Kind == BlockDomain {
		done.Followers, err = forgetDomain(tx, b.Block.What)
	} else {
		done.Followers, err = forgetActor(tx, b)
	}
	done.Deliveries = before - queued(tx)
	if err != nil || b.Reject == nil {
		return done, err
	}
	return done, answer(tx, now, *b.Reject, b.Ended.Inbox)
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// queued is how many deliveries wait. The statistics of a bucket do not know what the transaction has changed.
func queued(tx *bolt.Tx) (n int) {
	_ = scan(tx, bucketQueueSeq, nil, func(_, _ []byte) (bool, error) {
		n++
		return true, nil
	})
	return n
}

// forgetActor removes what is stored of an actor that is blocked.
func forgetActor(tx *bolt.Tx, b Blocking) (followers int, err error) {
	var was Follower
	if b.Ended != nil {
		was = *b.Ended
	}
	if err := unchanged(tx, b.Block.What, was); err != nil {
		return 0, err
	}
	if err := dropQuotes(tx, func(actor string) bool { return actor == b.Block.What }); err != nil {
		return 0, err
	}
	reacted := map[string]bool{}
	if err := reactedRows(tx, b.Block.What, reacted); err != nil {
		return 0, err
	}
	if followers, err = forget(tx, b.Block.What); err != nil {
		return 0, err
	}
	return followers, dropNamed(tx, b.Block.What, reacted)
}

// forgetDomain removes what is stored of a domain that is blocked.
func forgetDomain(tx *bolt.Tx, domain string) (followers int, err error) {
	// The queue first: each follower then has nothing left to be looked for.
	if err := dropDomain(tx, domain); err != nil {
		return 0, err
	}
	if err := dropQuotes(tx, func(actor string) bool { return covers(domain, HostName(actor)) }); err != nil {
		return 0, err
	}
	for _, actor := range actorsIn(tx, domain) {
		n, err := forget(tx, actor)
		if err != nil {
			return 0, err
		}
		followers += n
	}
	return followers, nil
}

// actorsIn are the actors of a domain of whom something is stored.
func actorsIn(tx *bolt.Tx, domain string) []string {
	var actors []string
	note := func(actor string) {
		known := len(actors) > 0 && actors[len(actors)-1] == actor // the rows of one stand together
		if !known && covers(domain, HostName(actor)) {
			actors = append(actors, actor)
		}
	}
	_ = scan(tx, bucketFollowers, nil, func(k, _ []byte) (bool, error) {
		note(string(k))
		return true, nil
	})
	_ = scan(tx, bucketReactionsByActor, nil, func(k, _ []byte) (bool, error) {
		actor, _, _ := strings.Cut(string(k), "\x00")
		note(actor)
		return true, nil
	})
	return actors
}

// forget removes all that is stored of an actor. It returns 1 for a follower, else 0.
func forget(tx *bolt.Tx, actor string) (followers int, err error) {
	removed, err := removeFollower(tx, actor)
	if err != nil {
		return 0, fmt.Errorf("remove follower %s: %w", actor, err)
	}
	if removed {
		followers = 1
	}
	_, err = removeReactionsBy(tx, actor)
	return followers, err
}

// dropDomain takes out of the queue all that goes to a domain, and forgets how its hosts fared: nobody will ask
// them again. One with a delivery under way is kept until that is settled.
func dropDomain(tx *bolt.Tx, domain string) error {
	for _, host := range keys(tx, bucketHosts, nil) {
		if !covers(domain, hostName(string(host))) {
			continue
		}
		for _, k := range keys(tx, bucketQueue, prefix(string(host))) {
			d, err := get[Delivery](tx, bucketQueue, k)
			if err != nil {
				return err
			}
			if err := dropDelivery(tx, d); err != nil {
				return err
			}
		}
		if tx.Bucket(bucketHosts).Get(host) == nil {
			continue
		}
		err := reschedule(tx, string(host), func(h *hostRow) { *h = hostRow{Host: Host{Host: h.Host.Host}, Claimed: h.Claimed} })
		if err != nil {
			return err
		}
	}
	return nil
}

// RemoveBlock removes the block of an actor or a domain and reports whether there was one; the log lines are
// written only then. Nobody follows again by it: that is for them to ask.
func (db *DB) RemoveBlock(what string, log ...LogEntry) (removed bool, err error) {
	err = db.changeBlocks(func(tx *bolt.Tx) error {
		removed = tx.Bucket(bucketBlocks).Get([]byte(what)) != nil
		if !removed {
			return nil
		}
		if err := tx.Bucket(bucketBlocks).Delete([]byte(what)); err != nil {
			return fmt.Errorf("unblock %s: %w", what, err)
		}
		return appendLog(tx, log...)
	})
	return removed, err
}

// Blocks returns all blocks, ordered by what is blocked.
func (db *DB) Blocks() (all []Block, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		all, err = list[Block](tx, bucketBlocks)
		return err
	})
	return all, err
}

// Blocked reports whether the owner has blocked the actor with that id, or its domain. It reads nothing from the
// file and may be asked for every request. Any address will do in place of an actor's: its domain is what counts
// then.
func (db *DB) Blocked(actor string) bool { return db.blocked.Load().has(actor) }

// changeBlocks runs a change and brings what Blocked answers from up to date, before it returns.
func (db *DB) changeBlocks(change func(*bolt.Tx) error) error {
	db.blocking.Lock()
	defer db.blocking.Unlock()
	if err := db.b.Update(change); err != nil {
		return err
	}
	return db.loadBlocks()
}

func (db *DB) loadBlocks() error {
	set := blockSet{}
	err := db.b.View(func(tx *bolt.Tx) error {
		return each(tx, bucketBlocks, func(_ []byte, b Block) { set[b.What] = true })
	})
	if err != nil {
		return fmt.Errorf("read the blocks: %w", err)
	}
	db.blocked.Store(&set)
	return nil
}

// blockSet is what is blocked: ids of actors and domains. They cannot be mistaken for each other.
type blockSet map[string]bool

func (s blockSet) has(address string) bool {
	if len(s) == 0 {
		return false
	}
	return s[address] || anyDomain(HostName(address), func(domain string) bool { return s[domain] })
}

// isBlocked is Blocked within a transaction.
func isBlocked(tx *bolt.Tx, address string) bool {
	blocks := tx.Bucket(bucketBlocks)
	if k, _ := blocks.Cursor().First(); k == nil || address == "" {
		return false
	}
	return blocks.Get([]byte(address)) != nil ||
		anyDomain(HostName(address), func(domain string) bool { return blocks.Get([]byte(domain)) != nil })
}

// anyDomain tries a host and each domain that it lies in, up to the last label.
func anyDomain(host string, is func(domain string) bool) bool {
	for host != "" {
		if is(host) {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// covers reports whether a host is a domain or lies in it.
func covers(domain, host string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

// HostName is the host of an address in the one form in which domains are blocked: without a port, in lower case,
// in A-labels (RFC 5890 §2.3.2.1), without dots at the end. It is empty where the address has none.
func HostName(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return hostName(u.Host)
}

// maxHost is the longest name that DNS knows (RFC 1035 §2.3.4, less the root label).
const maxHost = 253

// hostName is HostName for a host with or without a port.
func hostName(host string) string {
	if len(host) > 4*maxHost+len(":65535") {
		return "" // nobody can be there, and to take a long name apart takes long
	}
	u := url.URL{Host: host}
	name := strings.ToLower(strings.TrimRight(u.Hostname(), "."))
	if !isASCII(name) { // the mapping would refuse the underscores that real hosts have
		if mapped, err := idna.Lookup.ToASCII(name); err == nil {
			name = strings.TrimRight(mapped, ".") // there are other dots than ours
		}
	}
	if len(name) > maxHost {
		return ""
	}
	return name
}

func isASCII(s string) bool {
	return bytes.IndexFunc([]byte(s), func(r rune) bool { return r >= 0x80 }) < 0
}
