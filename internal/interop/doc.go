// Package interop tries crier against implementations that share no code with it: a server on Fedify, which meets
// a real crier process over TLS, finds, follows, reads, likes, answers and leaves it; the signature libraries of
// Misskey and PeerTube, which judge what crier signs; and the tests of the package activitypub-testing. The
// cross-checks of signatures on random requests stand in federation, where what they call is.
//
// They say whether others understand crier, and crier others; they are no judges of strictness, since Fedify 2.3.6
// takes much that crier has to refuse: what must be refused is tested in federation.
//
// The tests carry the build tag interop, since they need Node.js 20 or later and packages from npm: .ci/interop
// installs those and runs them. All traffic of the tests themselves stays on the loopback interface.
package interop
