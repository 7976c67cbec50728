// Package notice tells the owner about states that last and need a decision: entries that are held, a feed that
// cannot be read any more, a complaint of another server.
//
// The states are found in the store alone, by the table in conditions.go. Each has a subject; what was told of it
// stands in store.Notice, and a state is told of once while it lasts, however often the daemon is started. It is
// told of again only when it got worse. When it ends its notice is deleted; where the owner had been told of a
// feed that failed, the end is told, too.
//
// A message is one POST of plain text to the configured URL, with a header Title. That is how ntfy
// (https://docs.ntfy.sh/publish/) wants it, and a script of a few lines can take it. Chat services that want JSON
// (Slack, Discord) need something in between.
//
// Invariants:
//   - without a URL nothing is looked at, sent or stored;
//   - what was told is stored after the server took it: a crash in between tells the same twice, never not at all;
//   - the URL is a secret (whoever knows an ntfy topic can read it): it stands in no log line and no error;
//   - a message has at most 3,500 bytes, and its header is ASCII;
//   - redirects are not followed, since they would show the message to somebody the owner did not name.
//
// It must not decide anything, read feeds, or touch notices of kinds it does not know.
package notice
