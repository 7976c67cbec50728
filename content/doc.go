// Package content turns an entry of a feed into a post: safe HTML, hashtags, attachments, language.
//
// Everything here is a pure function of its arguments: no network, no files, no clock. The same entry
// and options give the same post, byte for byte, since the daemon compares renderings to tell whether
// an edit is visible.
//
// Foreign HTML is read with the tokenizer of x/net/html and written anew from a small tree of blocks, so
// nothing of the source gets through but text and checked addresses. Invariants, whatever the input:
//   - elements are only p, br, a, em, strong, del, code, pre, blockquote, ul, ol, li, ruby, rt, rp, and
//     span inside our own hashtags and around mentions: what Mastodon (4.2 to 4.7) keeps;
//   - attributes are only href (absolute, http or https), start, and class and rel of our own hashtags and of the
//     mentions that the caller resolved (Options.Mentions, of posts written by hand): a feed can mention nobody, and every link that looks like a hashtag is one of Post.Tags and leads to our page of it;
//   - hashtags are at most nine, each once, whatever its case: those of categories, those that the owner adds, those
//     written in the text, in this order; what stands in the text is not repeated below it;
//   - the output is well-formed, valid UTF-8 and below 100 kB, and time and memory are linear in the input;
//   - a title links to the entry in the first link of the post, which is the one Mastodon makes a card of (links of
//     hashtags it passes over), unless the owner's template or the format Article has it otherwise;
//   - a template of the owner adds nothing to what a post can contain: its output goes the way of a feed's HTML, what
//     a feed says is put in afterwards, and time and size are bounded, whatever the template and the entry.
//
// It must not know ActivityPub, the store or the feed library. It alone imports goldmark.
package content
