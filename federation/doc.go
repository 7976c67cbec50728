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
//   - an activity is stored before it is answered with 202, and an attempt is stored before it is dialled.
package federation
