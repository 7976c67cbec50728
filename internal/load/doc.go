// Command load measures how crier carries load, on this computer and over loopback alone:
//
//	go run ./internal/load             # all measures
//	go run ./internal/load wave crowd  # some of them
//
// Each measure runs a daemon as a process of its own beside a reference in the same run, since absolute figures are
// only true for one machine, and prints one row of a table. Nothing here passes or fails by
// time: what does not depend on the machine is checked by the tests.
package main
