package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"crier/store"
)

// TestOldCopyIsNotWhole: a store that was put back, alone or with its folder, has nobody compare with it; one that
// only stopped and started again has.
func TestOldCopyIsNotWhole(t *testing.T) {
	start := func(dir string, followers ...string) (whole bool) {
		t.Helper()
		db, err := openStore(dir)
		must(t, err)
		must(t, beginLife(dir, db, slog.New(slog.DiscardHandler)))
		for _, f := range followers {
			_, err := db.AddFollower(time.Now(), store.Follow{Follower: store.Follower{
				Actor: "https://a.example/" + f, Inbox: "https://a.example/inbox", Since: time.Now(), State: store.FollowerAccepted,
			}})
			must(t, err)
		}
		_, whole, err = db.HostFollowers("a.example")
		must(t, err)
		must(t, db.Close())
		return whole
	}
	read := func(dir, name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		return b
	}
	for name, c := range map[string]struct {
		back  []string // what is written over with its copy
		gone  bool     // the folder is removed before
		whole bool
	}{
		"nothing":        {whole: true},
		"store":          {back: []string{storeFile}},
		"both":           {back: []string{storeFile, lifeFile}},
		"folder":         {back: []string{storeFile, lifeFile}, gone: true},
		"store alone":    {back: []string{storeFile}, gone: true},
		"no store again": {back: []string{lifeFile}, gone: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if !start(dir, "alice") || !start(dir) {
				t.Fatal("not whole from the start")
			}
			copies := map[string][]byte{storeFile: read(dir, storeFile), lifeFile: read(dir, lifeFile)}
			at, err := os.Stat(filepath.Join(dir, lifeFile))
			must(t, err)
			if !start(dir, "bob") {
				t.Fatal("not whole later")
			}
			if c.gone {
				must(t, os.RemoveAll(dir))
				must(t, os.Mkdir(dir, 0o700))
			}
			for _, file := range c.back {
				must(t, os.WriteFile(filepath.Join(dir, file), copies[file], 0o600))
				must(t, os.Chtimes(filepath.Join(dir, file), at.ModTime(), at.ModTime())) // as an archive does
			}
			for i := range 2 {
				if got := start(dir); got != c.whole {
					t.Errorf("start %d: whole %v", i, got)
				}
			}
		})
	}
}
