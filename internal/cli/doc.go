// Package cli is the command line: it reads words and flags, finds the daemon or opens the store, and
// shows what comes back.
//
// A command is a function of a context, the streams and its words that returns an error; Run turns the
// error into the exit code (0 done, 1 it could not be done, 2 wrong usage) and prints it, in one place.
// Nothing here exits the process or listens for signals.
//
// What is shown on a terminal may come from strangers (names, titles, errors): control characters and
// those that turn the direction of writing are taken out. With --json everything is shown as it is.
package cli
