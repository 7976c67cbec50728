package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// reservedMap is how much address space is set aside for the file from the start. It costs no memory;
// without it a growing file has to wait for all readers.
const reservedMap = 256 << 20

// DB is the store. It is safe for concurrent use.
type DB struct {
	b    file
	path string

	groups grouping

	blocking sync.Mutex               // held while blocks change
	blocked  atomic.Pointer[blockSet] // what stands in the bucket
}

// Options say how to open the store.
type Options struct {
	LockTimeout time.Duration // how long to wait for the lock; 0 means one second
	AsItIs      bool          // a store of an older schema is not brought up to date but refused with ErrOlder
}

// Open opens the store file at path, making it where it does not exist. A lock held by another process is
// ErrLocked (the error says which, as far as it is known), a newer schema ErrNewer. A file that is empty
// or holds something else is refused, since it may be what is left of a store.
func Open(path string, o Options) (*DB, error) {
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make store %s: %w", path, err)
		}
	default:
		if err := examine(path); err != nil {
			return nil, fmt.Errorf("open store %s: %w", path, err)
		}
	}
	b, err := openFile(path, o.LockTimeout)
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("open store %s: %w%s", path, ErrLocked, holder(path))
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	_ = os.Remove(compactName(path)) // of a compaction that was cut off
	db := &DB{b: file{DB: b, changed: make(chan struct{}, 1)}, path: path}
	if err := db.prepare(o.AsItIs); err != nil {
		b.Close()
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if err := db.loadBlocks(); err != nil {
		b.Close()
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	// Only a help for people, read when the lock is held; a store without it works as well.
	_ = os.WriteFile(holderFile(path), []byte(strconv.Itoa(os.Getpid())), 0o600)
	return db, nil
}

// create makes a new store under another name and gives it its own when it is whole, so that a crash leaves
// no store or a sound one. One that another process made at the same moment stays.
func create(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*")
	if err != nil {
		return err
	}
	name := f.Name()
	defer os.Remove(name)
	if err := f.Close(); err != nil {
		return err
	}
	b, err := openFile(name, time.Second)
	if err != nil {
		return err
	}
	if err := errors.Join(b.Update(migrate), b.Close()); err != nil {
		return err
	}
	if err := os.Link(name, path); err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return os.Rename(name, path) // a file system without links
}

// openFile opens the file and turns the panic that bbolt answers some damage with into an error. A file that was
// replaced while its lock was waited for is opened anew: what is written into one without a name is lost.
func openFile(path string, timeout time.Duration) (b *bolt.DB, err error) {
	var opened *os.File
	o := bolt.Options{
		Timeout:         timeout,
		InitialMmapSize: reservedMap,
		FreelistType:    bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			opened = f
			return f, err
		},
	}
	for range replacedMost {
		err = guarded(func() error {
			b, err = bolt.Open(path, 0o600, &o)
			return err
		})
		if err != nil || isAt(opened, path) {
			return b, err
		}
		if err := b.Close(); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("the file is replaced again and again")
}

// replacedMost is how often a file may be replaced while it is opened.
const replacedMost = 10

// isAt reports whether a file is the one that a path leads to.
func isAt(f *os.File, path string) bool {
	mine, err := f.Stat()
	there, err2 := os.Stat(path)
	return err == nil && err2 == nil && os.SameFile(mine, there)
}

// prepare makes the buckets of a new store and brings an older one up to date.
func (db *DB) prepare(asItIs bool) error {
	current := false
	err := db.b.View(func(tx *bolt.Tx) error {
		version, fresh, err := schemaOf(tx)
		current = err == nil && !fresh && version == schema && complete(tx)
		return err
	})
	if err != nil || current {
		return err
	}
	if asItIs {
		return ErrOlder
	}
	return db.b.Update(migrate)
}

// schemaOf reads which schema the file has; fresh means that it has nothing at all.
func schemaOf(tx *bolt.Tx) (version int, fresh bool, err error) {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		if name, _ := tx.Cursor().First(); name != nil {
			return 0, false, errors.New("the file is not a store of crier's")
		}
		return 0, true, nil
	}
	version, err = strconv.Atoi(string(meta.Get(keySchema)))
	if err != nil {
		return 0, false, fmt.Errorf("the store is damaged: its schema is %q", meta.Get(keySchema))
	}
	if version > schema {
		return 0, false, fmt.Errorf("%w (schema %d, this one knows %d): use that version again", ErrNewer, version, schema)
	}
	return version, false, nil
}

// Close closes the store.
func (db *DB) Close() error {
	db.groups.running.Wait()
	os.Remove(holderFile(db.path))
	if db.b.broken.Load() != nil {
		return nil // it would wait for a lock that is never released; the end of the process closes the file
	}
	if err := db.b.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", db.path, err)
	}
	return nil
}

// Size is the size of the file in bytes.
func (db *DB) Size() (int64, error) {
	info, err := os.Stat(db.path)
	if err != nil {
		return 0, fmt.Errorf("size of store: %w", err)
	}
	return info.Size(), nil
}

func holderFile(path string) string { return path + ".pid" }

func holder(path string) string {
	b, err := os.ReadFile(holderFile(path))
	pid := strings.TrimSpace(string(b))
	if err != nil || pid == "" {
		return ""
	}
	return " (process " + pid + ")"
}

// scan calls f for each key of a bucket that begins with prefix, in order, until f says stop or fails.
func scan(tx *bolt.Tx, bucket, prefix []byte, f func(k, v []byte) (more bool, err error)) error {
	c := tx.Bucket(bucket).Cursor()
	for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
		more, err := f(k, v)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// keys collects the keys of a bucket that begin with prefix, to be changed while they are gone through.
func keys(tx *bolt.Tx, bucket, prefix []byte) [][]byte {
	var all [][]byte
	_ = scan(tx, bucket, prefix, func(k, _ []byte) (bool, error) {
		all = append(all, bytes.Clone(k))
		return true, nil
	})
	return all
}
