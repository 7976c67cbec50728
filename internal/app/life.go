package app

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"crier/store"
)

// lifeFile lies beside the store and is written anew at each start. The store remembers what is in it and when the
// file system saw it change, which no copy can bring along: so a store, or a whole data directory, that was put back
// from a backup is recognized.
const lifeFile = "life"

// beginLife has the list of followers count as whole no more where the store may be an older copy: who followed since
// then is missing, and must not be told so (FEP-8fcf). In doubt it does: nothing but that comparison is lost.
func beginLife(dataDir string, db *store.DB, log *slog.Logger) error {
	path := filepath.Join(dataDir, lifeFile)
	found, err := lifeMark(path)
	if err != nil {
		return err
	}
	left, err := db.Life()
	if err != nil {
		return fmt.Errorf("read what the store knows of %s: %w", path, err)
	}
	followers, err := db.CountFollowers()
	if err != nil {
		return fmt.Errorf("count the followers: %w", err)
	}
	if found != left || found == "" && followers > 0 {
		log.Info("the store may be an older copy: other servers are not asked to compare their followers with it", "dir", dataDir)
		if err := db.ForgetWhole(); err != nil {
			return fmt.Errorf("note that the followers may have gaps: %w", err)
		}
	}
	if err := os.WriteFile(path+".new", []byte(rand.Text()), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if found, err = lifeMark(path); err != nil {
		return err
	}
	if err := db.SetLife(found); err != nil {
		return fmt.Errorf("note what is in %s: %w", path, err)
	}
	return nil
}

// lifeMark is what is in the file, and which file it is; empty where there is none.
func lifeMark(path string) (string, error) {
	token, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", path, err)
	}
	return string(token) + " " + changed(info), nil
}
