// Package feed turns the blog's feeds into entries of the store.
//
// For each configured feed a poll fetches the document (conditionally), reads it, finds out which item is
// which known entry, decides what is news, what changed and what was taken down, and records all of it in
// one store transaction. What has to be published is left in the store as Entry.Todo and Entry.Due; making
// posts of it is not this package's business, and it never renders anything except to see whether a change
// is visible at all.
//
// The parts and the way through them:
//
//	fetch.go     conditional GET or local file, with limits in time, size and redirects
//	decode.go    any encoding to UTF-8; which kind of document it is
//	scan.go      balance and depth of XML, before a parser that recurses sees it
//	parse*.go    the document as items (the only importers of gofeed)
//	identity.go  the blog's host, an entry's own page, the key that a post's id is made from
//	subject.go   an item on its way to its entry; fingerprints
//	match.go     which item is which known entry
//	plan*.go     what a poll means, as a pure function of what is known, what was read and the time
//	look.go      whether a page is still there
//	vanish.go    what is missing, and when that is a proof
//	schedule.go  when a feed is due
//	poll.go      the schedule at work, and polls that are joined
//	record.go    one poll from reading to record
//
// Invariants:
//   - a document that cannot be read from end to end changes nothing but the feed's own record;
//   - an entry keeps its key for ever, whatever its link or GUID become;
//   - keys come from the feed's content alone: never from a counter, a clock or a random number;
//   - a poll is recorded wholly or not at all, and no network access happens inside a transaction.
//
// It must not import the package federation, nor make an address of ours.
package feed
