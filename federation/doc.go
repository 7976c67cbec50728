// Package federation speaks ActivityPub: it serves the actor, its posts and collections, answers
// WebFinger and NodeInfo, takes what arrives in the inbox, makes posts of entries and of what the owner writes, and
// delivers them.
//
// Everything durable is in package store, and each event is one transaction there. Rendering belongs to
// package content. Every request that leaves this package goes through the transport given in Config,
// signed with the account's key.
//
// Invariants:
//   - ids.go makes every address of ours; nothing else does, and no id depends on a clock or on chance, but for the
//     answers to a Follow, which have the stored moment of the follow in theirs, and posts written by hand, which there
//     is nothing to derive from;
//   - what comes from somebody who is blocked is dropped before anything else is done with it;
//   - nothing in an incoming activity is believed or acted on before its signature is verified and the
//     signer is its actor;
//   - an activity is stored before it is answered with 202, and an attempt is stored before it is dialled;
//   - nothing that a stranger can make grow is without a bound, see below.
//
// What is kept in memory, and what goes first where it is full (newCache: the one used longest ago of 1,000):
//   - resolver.known: actors and failed look-ups by address, 1,000, believed for a day, 5 minutes or 30 seconds;
//   - resolver.parsed: keys of followers by their PEM, 1,000; resolver.tried: when an address was last asked
//     because of a doubt, 1,000; resolver.flight, resolver.slots: look-ups under way, 64, and 4 to one host;
//   - resolver.failed, Server.noted, proved, reacted: what a host has used up, 1,000 hosts each; Server.crowds: hosts
//     below a domain, 30 of each of 1,000 domains, for a day;
//   - knocker.know and deaf: how hosts want requests signed, 1,000 hosts each, the rest in the store;
//   - sending.bodies: activities that go out, 32;
//   - activities under way: 256 (workload), with a body of at most 1 MiB, and only 16 above 64 KiB at once (internal/app).
//
// What a follower's document said, and when it was read, stands with the follower in the store.
package federation
