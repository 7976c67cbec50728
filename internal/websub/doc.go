// Package websub subscribes to the hubs that the blog's feeds name, so that a new entry is seen within seconds
// (W3C WebSub, https://www.w3.org/TR/websub/; sections are given as they are numbered there).
//
// A push only ever causes a poll of the feed itself. Its body is not read as the feed: a hub may leave out
// entries that it has delivered before (§7), and what it sends would then look like a feed from which most
// entries were taken down. So nobody who gets hold of a callback's address can put a word into the blog's mouth.
//
// The parts:
//
//	websub.go     the Subscriber and its loop
//	tend.go       what one feed's subscription needs: asked for, renewed, asked for again
//	schedule.go   when, as pure functions of the record and the time
//	leave.go      subscriptions that are not wanted any more
//	request.go    requests to a hub
//	handler.go    the callback: verification of intent, denial, content distribution
//	signature.go  whether a push is the hub's
//	push.go       polls that pushes cause; hubs that do not tell of everything
//	record.go     reading and writing of subscriptions, and their lines in the activity log
//
// Invariants:
//   - the store is the truth: whatever is needed to go on after a crash is in store.Subscription before the hub is
//     asked for anything;
//   - a callback's address cannot be guessed and belongs to one feed, one hub, one topic and one base_url;
//   - a secret leaves crier over https only (§5.1). A subscription without one is worth a poll a minute at most and
//     never makes a feed count as healthy;
//   - a subscription is confirmed only while it is wanted, its end only while it is not;
//   - a push is answered before anything is polled, and pushes that come together cause one poll;
//   - nothing depends on a hub: one that is silent, lost or wrong leaves a feed that is polled as if there were
//     none.
//
// A crash loses at most the wish to leave a hub that the feed has left for another; that subscription ends with
// its lease. A push whose poll was cut off is made good at the next start.
//
// It must not import the package feed: it is given a function that polls. It must not log what a stranger did
// above Debug, nor a callback's address or a secret at all.
package websub
