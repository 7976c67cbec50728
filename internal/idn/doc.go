// Package idn writes international host names for people to read.
//
// On the wire and in the store a host is in A-labels ("xn--bcher-kva.example"). People are shown the other form
// ("bücher.example"), but only label by label and only where nobody can be taken in by it: a label of one script, of
// letters that are not known to be taken for those of another, without marks and without anything written from right
// to left. It is a rule for showing: nothing is looked up or compared by what comes out.
//
// The rules are a small part of those of the browsers (Chromium, “IDN in Google Chrome”; Unicode UTS 39): whatever is
// not plainly harmless stays as it is.
package idn
