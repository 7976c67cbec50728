package app

import (
	"errors"
	"fmt"
	"path/filepath"

	"crier/internal/config"
	"crier/store"
)

// Compact writes the store anew without the room that nothing stands in any more, and returns its size in bytes before
// and after. ErrLocked if a daemon or another command has it.
func Compact(cfg *config.Config) (before, after int64, err error) {
	if !hasStore(cfg.DataDir) {
		return 0, 0, fmt.Errorf("there is no store in %s yet; start the daemon once with `crier serve`", cfg.DataDir)
	}
	return store.Compact(filepath.Join(cfg.DataDir, storeFile), store.Options{LockTimeout: lockWait})
}

// damageShown is how many differences are listed one by one.
const damageShown = 10

// CheckStore reads the whole store and gives found what is wrong with it. It changes nothing, and needs the store for
// itself: its pages cannot be told from lost ones while somebody writes.
func CheckStore(cfg *config.Config, found func(CheckItem)) {
	const subject = "whole store"
	if !hasStore(cfg.DataDir) {
		found(CheckItem{subject, CheckNote, "there is none yet; the first start makes it", ""})
		return
	}
	path := filepath.Join(cfg.DataDir, storeFile)
	mend := "stop crier, keep a copy of " + path + ", and put a backup in its place"
	db, err := store.Open(path, store.Options{LockTimeout: lockWait, AsItIs: true})
	switch {
	case errors.Is(err, ErrLocked):
		found(CheckItem{subject, CheckWarn, "not examined: the daemon is using it", "stop the daemon, and say `crier check --store` again"})
		return
	case errors.Is(err, store.ErrOlder):
		found(CheckItem{subject, CheckNote, "not examined: an older version of crier wrote it", "start the daemon once: it brings the store up to date"})
		return
	case err != nil:
		found(CheckItem{subject, CheckWrong, err.Error(), mend})
		return
	}
	wrong, err := db.Check()
	if err := errors.Join(err, db.Close()); err != nil {
		found(CheckItem{subject, CheckWrong, err.Error(), mend})
	}
	for i, what := range wrong {
		if i == damageShown {
			found(CheckItem{subject, CheckWrong, fmt.Sprintf("and %d differences more", len(wrong)-i), ""})
			break
		}
		found(CheckItem{subject, CheckWrong, what, mend})
	}
	if err == nil && len(wrong) == 0 {
		found(CheckItem{subject, CheckOK, "every record, index and count was read and agrees", ""})
	}
}
