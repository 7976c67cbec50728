package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// ErrDamaged says that something in the file cannot be read as it ought to be.
var ErrDamaged = errors.New("the file is damaged: stop crier, keep a copy of the file, and put a backup in its place")

// file is the bbolt file. Damage, which bbolt answers with a panic or the operating system with a fault (a file that
// was cut short), comes out of it as ErrDamaged, and it remembers whether the last write reached the disk.
type file struct {
	*bolt.DB
	trouble atomic.Pointer[error] // why the last transaction could not be written; nil: it was
	changed chan struct{}         // one slot: there is trouble
	changes atomic.Uint64         // how often the content may have changed, see [DB.Changes]

	// broken is set by damage that a writer met, unless it was an event of a group, which ends cleanly: bbolt may still hold its lock, and what it has in memory is not to
	// be trusted. Nothing is written any more; reading goes on.
	broken atomic.Pointer[error]
}

// View is as bbolt's.
func (f *file) View(read func(*bolt.Tx) error) error {
	return guarded(func() error { return f.DB.View(read) })
}

// Update is as bbolt's. One that fails is a change, too: after an error of the disk nobody knows.
func (f *file) Update(write func(*bolt.Tx) error) error {
	defer f.changes.Add(1)
	if err := f.broken.Load(); err != nil {
		return *err
	}
	refused := false
	err := guarded(func() error {
		return f.DB.Update(func(tx *bolt.Tx) error {
			err := write(tx)
			refused = err != nil
			return err
		})
	})
	f.note(err, refused)
	return err
}

// note remembers what became of a transaction. One that was refused by what it was to do says nothing about the disk.
func (f *file) note(err error, refused bool) {
	switch {
	case err == nil:
		f.trouble.Store(nil)
		return
	case errors.Is(err, ErrDamaged) && !refused:
		f.broken.Store(&err)
	case refused && !errors.Is(err, ErrDamaged):
		return
	}
	f.trouble.Store(&err)
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// guarded runs f and turns its panic into ErrDamaged.
func guarded(f func() error) (err error) {
	before := debug.SetPanicOnFault(true)
	defer debug.SetPanicOnFault(before)
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, r)
		}
	}()
	return f()
}

// Trouble is why the last event could not be written: the disk is full, or damaged; nil where it was written. It ends
// with the next event that is.
func (db *DB) Trouble() error {
	if err := db.b.trouble.Load(); err != nil {
		return *err
	}
	return nil
}

// Troubled receives whenever an event could not be written, once for several of the same moment.
func (db *DB) Troubled() <-chan struct{} { return db.b.changed }

// Probe writes a little, to find out whether the store can be written again.
func (db *DB) Probe(now time.Time) error {
	err := db.b.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyProbe, timeKey(now)) })
	if err != nil {
		return fmt.Errorf("write to store %s: %w", db.path, err)
	}
	return nil
}

// FileSize is how large the store is.
type FileSize struct {
	Path string `json:"path"`
	Size int64  `json:"size"` // bytes of the file
	Free int64  `json:"free"` // of them, those that hold nothing: they are used again, and Compact gives them back
}

// FileSize returns how large the file is and how much of it is free.
func (db *DB) FileSize() (FileSize, error) {
	s := FileSize{Path: db.path}
	info, err := os.Stat(db.path)
	if err != nil {
		return s, fmt.Errorf("size of store: %w", err)
	}
	s.Size = info.Size()
	err = db.b.View(func(tx *bolt.Tx) error {
		stats := db.b.Stats()
		pages := int64(stats.FreePageN+stats.PendingPageN) * int64(db.b.Info().PageSize)
		s.Free = max(s.Size-tx.Size(), 0) + pages
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("size of store: %w", err)
	}
	return s, nil
}
