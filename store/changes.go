package store

// Changes returns a number that is another one after every method that changed something, by the time it returns; it
// touches no file. So what was made from the store is as good as new while the number is the one that was read before
// the store was: whoever keeps such a thing need not know what changes it. A method that changed nothing may count.
func (db *DB) Changes() uint64 { return db.b.changes.Load() }
