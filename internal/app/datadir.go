package app

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"crier/store"
)

// lockWait is how long to wait for the store: an owner's command holds it for a moment at most.
const lockWait = time.Second

// ErrLocked says that another process has the store.
var ErrLocked = store.ErrLocked

// openStore opens the store in the data directory; both are made where they are missing.
func openStore(dataDir string) (*store.DB, error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	return store.Open(filepath.Join(dataDir, storeFile), store.Options{LockTimeout: lockWait})
}

// hasStore reports whether there is a store file at all.
func hasStore(dataDir string) bool {
	_, err := os.Stat(filepath.Join(dataDir, storeFile))
	return err == nil
}
