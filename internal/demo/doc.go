// Package demo plays crier's whole main job on one computer: a sample blog, crier itself, and two small
// servers of other people (internal/fedtest) that look the blog up, follow it and get its posts.
//
// Invariants:
//   - Nothing leaves the computer: every listener and every connection is on the loopback interface, and all
//     that is written lies in a temporary directory that is removed at the end.
//   - crier runs as it does for its owner, through internal/app; the demo looks at it from outside only, and
//     believes what the peers verified, never what crier says of itself.
//   - Every wait is bounded. A step that does not hold is shown as such and makes Once fail.
//
// It must not be used by the daemon, and needs no configuration file.
package demo
