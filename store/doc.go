// Package store keeps everything crier must not forget in one bbolt file: the account and its key,
// what is known of every feed and entry, the posts, the followers, the queue of deliveries and the
// activity log.
//
// It is the only package that knows bbolt. Records are plain structs. Each method is one event (a poll
// is recorded, a follow is accepted, a post is published) and one transaction: everything that belongs
// to the event is written together or not at all, and nothing here waits for the network. Addresses
// (actors, inboxes, ids) are opaque strings: this package neither makes nor interprets them, but for the host, by which
// deliveries are queued and domains are blocked.
//
// Invariants, all recomputed by Check:
//   - every index row has its record and every record its index rows;
//   - a distinct inbox is counted once for each accepted follower that is reached through it;
//   - a post that exists has an entry or was written by hand, and a listed post has its outbox row;
//   - a pinned post lives, and a boost that was not taken back has its Announce;
//   - a queued delivery names an activity whose body is stored;
//   - nobody who is blocked follows, and nothing is queued for a blocked domain;
//   - what a post is told to those who reacted has a row for each of them, and what was given up is bounded.
package store
