// Package admin is what the owner sees and does: status, listings, the activity log, polling by hand,
// lookups, followers and blocks. Ops answers from the store and from a few functions it is given; Serve
// puts the same answers on the control socket, and Client asks for them there, so that a command says the
// same whether the daemon runs or not.
//
// The JSON names are part of crier's public surface: they may be joined by others, never renamed.
//
// The control socket carries HTTP and trusts whoever can open it: its mode is 0600, and it lies in a
// folder of the owner. It must never be served on a network.
package admin
