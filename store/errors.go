package store

import "errors"

var (
	// ErrNotFound says that there is no such record.
	ErrNotFound = errors.New("not found")
	// ErrConflict says that a record changed between reading and writing it, or that a key wanted for a
	// new record is taken. Nothing was written: read again and decide again.
	ErrConflict = errors.New("changed meanwhile")
	// ErrFull says that there is no room for more of what strangers send. Nothing was written.
	ErrFull = errors.New("there is no room for more")
	// ErrLocked says that another process holds the store.
	ErrLocked = errors.New("the store is in use by another process")
	// ErrOlder says that an older version of crier wrote the store, which was to be left as it is.
	ErrOlder = errors.New("the store was written by an older version of crier")
	// ErrNewer says that a newer version of crier wrote the store.
	ErrNewer = errors.New("the store was written by a newer version of crier")
)
