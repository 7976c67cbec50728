// Package extras learns of an entry what its feed does not say: the language of its page and the picture with
// which the page wants to be shown, and what its pictures really are: type, size, blurhash, and whether any
// server could show them at all.
//
// A Worker looks at every entry that is about to go out and was not looked at yet, and stores one record of
// what it learnt (store.PutExtras, JSON of content.Extras). Then it tells the publisher, which waits for the
// record for a while and no longer: whatever happens here never stops a post.
//
// Invariants:
//   - Everything read here was made by strangers. Every answer has a deadline and a size limit, every picture
//     a limit of pixels, and an entry a deadline for all of it.
//   - A picture's type comes from its first bytes, its size from its header. It is decoded only where that is
//     known to stay within maxDecode bytes, one picture at a time in the whole program, from a reader that
//     ends when the time is over. Only one picture of more than a megabyte is in memory at a time, too.
//   - A host that does not answer costs the entries that need it their knowledge, never the others their time.
//   - "Unfit" is said of what proves itself unfit: the server says that it is not there, or sends what is no
//     picture or one that is too large, or it is at an address that the transport refuses for everybody's sake. No answer proves nothing: nothing is said of the picture then.
//   - A record is written once all is known or the time is over, never for a stop: after a crash or a stop the
//     entry is looked at again.
//
// It must not render by itself (which pictures a post has is content's to say), publish, change entries, or
// contact anything but through the transports that it is given.
package extras
