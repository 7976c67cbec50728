// Package app puts crier together: it is the one place that knows every package, and the owner of the
// process's order of start and stop.
//
// New opens the store, settles the identity and binds the address, so that everything that can be wrong
// with a set-up is an error before anything runs; Run serves until its context is done and stops the
// parts in an order that loses nothing: first nobody is let in, then nothing new is polled, published or
// sent, and the store is closed last. OpenOffline gives the owner's commands the same store and the same
// operations without a daemon.
//
// Invariants:
//   - the account's key and addresses are made once and never change; a new key is never made while the
//     account can be seen to have another one, unless the owner insists;
//   - no goroutine runs before Run, and none outlives it;
//   - what a stranger's request does is logged at Debug at most.
package app
