// Package e2e holds tests of the whole daemon as its users meet it: real feeds and a real site generator on
// one side, an independent follower on the other, and everything between them over HTTP on loopback.
package e2e
