// Package preview shows posts before they are sent: on a terminal, and as a web page that looks like a
// timeline.
//
// It gets rendered posts and what there is to say of them, and writes text. Invariants:
//   - it decides nothing about a post: text, attachments and hashtags are those that would be sent;
//   - what it writes for a terminal has no character that a terminal obeys, except the ones it sets itself;
//   - the page has no script and asks for nothing from elsewhere but the pictures, sounds and films of the
//     posts themselves, and its policy forbids everything else.
//
// It must not fetch, read or store anything.
package preview
