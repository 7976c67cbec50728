package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// compactStep is how many bytes go into one transaction of the copy.
const compactStep = 4 << 20

// compactName is where the copy is made that takes the place of a store.
func compactName(path string) string { return path + ".compact" }

// Compact writes the store at path anew without its free pages, and returns its size before and after. Nobody else may
// have the store open (ErrLocked). It needs room for the copy; where there is none, nothing has changed. A crash at
// any moment leaves the old file or the new one, whole: the copy is on the disk before it gets the store's name.
func Compact(path string, o Options) (before, after int64, err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil { // the file is replaced, not a link to it
		return 0, 0, fmt.Errorf("compact store: %w", err)
	}
	db, err := Open(path, o)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if before, err = db.Size(); err != nil {
		return 0, 0, err
	}
	name := compactName(path)
	defer os.Remove(name) // is not there any more where all went well
	if err := copyTo(db, name); err != nil {
		return before, 0, fmt.Errorf("compact store %s: %w; the store is as it was, and needs room for a copy of itself beside it", path, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return before, 0, fmt.Errorf("compact store: %w", err)
	}
	if err := likeOwner(name, path); err != nil {
		return before, 0, fmt.Errorf("compact store %s: keep its owner: %w", path, err)
	}
	// The old file stays locked until its name leads to the new one. Whoever has waited for the lock sees that
	// it is another file now (see openFile).
	if err := errors.Join(os.Rename(name, path), syncDir(filepath.Dir(path))); err != nil {
		return before, 0, fmt.Errorf("compact store: %w", err)
	}
	return before, info.Size(), nil
}

// copyTo writes what is in the store into a new file, and checks it.
func copyTo(db *DB, name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // left by a compaction that was cut off
	}
	b, err := bolt.Open(name, 0o600, &bolt.Options{Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	err = guarded(func() error {
		if err := bolt.Compact(b, db.b.DB, compactStep); err != nil {
			return err
		}
		return b.View(func(tx *bolt.Tx) error {
			for err := range tx.Check() {
				return fmt.Errorf("the copy is not sound: %w", err)
			}
			return nil
		})
	})
	if err == nil {
		err = b.Sync()
	}
	return errors.Join(err, b.Close())
}

// syncDir makes a changed name in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("write %s to the disk: %w", dir, err)
	}
	return nil
}
