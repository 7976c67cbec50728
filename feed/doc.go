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
//	link.go      links that an answer or a page gives of itself
//	decode.go    any encoding to UTF-8; which kind of document it is
//	doctype.go   what a document type may not ask for
//	scan.go      balance and depth of XML, before a parser that recurses sees it; xml:base; texts that are too long
//	cut.go       the document less what the parser must not see
//	since.go     whether a document reads as the last one did, item by item, so that it need not be parsed
//	part.go      some items of a document alone
//	parse*.go    the document as items (the only importers of gofeed)
//	dates.go     dates that gofeed cannot read
//	text.go      text and addresses in HTML
//	lint.go      what the owner should mend in a document
//	discover.go  the feeds of a page
//	identity.go  the blog's host, an entry's own page, the key that a post's id is made from
//	subject.go   an item on its way to its entry; fingerprints
//	match*.go    which item is which known entry
//	plan*.go     what a poll means, as a pure function of what is known, what was read and the time
//	look.go      whether a page is still there
//	vanish.go    what is missing, and when that is a proof
//	schedule.go  when a feed is due
//	poll.go      the schedule at work, and polls that are joined
//	record.go    one poll from reading to record
//	read.go      a feed read once, for a look at it
//
// Invariants:
//   - a document that cannot be read from end to end changes nothing but the feed's own record;
//   - an entry keeps its key for ever, whatever its link or GUID become;
//   - keys come from the feed's content alone: never from a counter, a clock or a random number;
//   - a poll is recorded wholly or not at all, and no network access happens inside a transaction.
//
// A content warning comes from an explicit marker alone: a category "cw: TEXT" (also "tw:", "content warning:", "trigger
// warning:", in any case), which is then no category, or, in a JSON Feed, the item's extension
// "_crier": {"content_warning": "TEXT"}. Pictures and sound are marked as sensitive by <media:rating>adult</media:rating> or
// the item's own <itunes:explicit>.
//
// It must not import the package federation, nor make an address of ours.
package feed
