// Package interop tries crier against ActivityPub implementations that share no code with it. The tests carry
// the build tag interop, since they need Node.js and packages from npm: .ci/interop installs those and runs
// them. All traffic stays on the loopback interface.
package interop
