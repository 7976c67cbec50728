// Package fedtest is a small fediverse of its own: servers that crier talks to in its demo and in the
// tests of the whole daemon.
//
// A [Server] is one instance. It behaves like Mastodon 4.5 where Mastodon is clear, and like the strictest
// server known where servers differ: it signs what it sends and what it fetches, verifies what it gets,
// resolves handles over split domains, keeps timelines, edits, boosts, pins and tombstones, approves, blocks and
// moves. A [Network] joins several handlers in one process, without sockets.
//
// Invariants:
//   - It imports nothing of crier. Signatures are made and checked here with the standard library alone, by the
//     old draft and by RFC 9421, so that one and the same mistake cannot hide on both sides.
//   - Every request to an inbox is recorded as an [Arrival], refused ones too, after it took effect: who
//     waits for an arrival finds the timeline already changed.
//   - No lock is held while anything is sent or fetched.
//   - Ids come from counters: the same story gives the same ids.
//
// It must not be exposed to the open net: it fetches whatever address a stranger names.
package fedtest
