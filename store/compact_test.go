package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bloated makes a store of many followers of whom few are left, and closes it.
func bloated(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crier.db")
	db := must[*DB](t)(Open(path, Options{}))
	for i := range 2 * logLines / 100 {
		lines := make([]LogEntry, 100)
		for j := range lines {
			lines[j] = LogEntry{Type: fmt.Sprint(i, " ", j), Result: strings.Repeat("x", 200)}
		}
		ok(t, db.AppendLog(lines...))
	}
	for i := range 50 {
		follow(t, db, fmt.Sprintf("https://a.example/%d", i), fmt.Sprintf("https://a.example/%d/inbox", i), "https://a.example/inbox")
	}
	ok(t, db.Close())
	return path
}

// TestCompact makes a store smaller, and finds all of it there again: also the numbers that are given next.
func TestCompact(t *testing.T) {
	path := bloated(t)
	ok(t, os.WriteFile(compactName(path), []byte("of a compaction that was cut off"), 0o600))
	before, after, err := Compact(path, Options{})
	if err != nil || after >= before || after == 0 {
		t.Fatalf("%d bytes became %d: %v", before, after, err)
	}
	if left := must[[]string](t)(filepath.Glob(path + ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	db := must[*DB](t)(Open(path, Options{}))
	sound(t, db)
	if n := must[int](t)(db.CountFollowers()); n != 50 {
		t.Errorf("%d followers", n)
	}
	lines := must[[]LogEntry](t)(db.LastLog(2*logLines, false))
	if len(lines) != logLines {
		t.Errorf("the log has %d lines", len(lines))
	}
	ok(t, db.AppendLog(LogEntry{Type: "next"}))
	if next := must[[]LogEntry](t)(db.LastLog(1, false)); next[0].Seq != lines[len(lines)-1].Seq+1 {
		t.Errorf("the next line has number %d", next[0].Seq)
	}
	if _, _, err := Compact(path, Options{LockTimeout: time.Millisecond}); !errors.Is(err, ErrLocked) {
		t.Errorf("a store in use: %v", err)
	}
	if size := must[FileSize](t)(db.FileSize()); size.Path != path || size.Size == 0 || size.Free >= size.Size {
		t.Errorf("%+v", size)
	}
	ok(t, db.Close())
}

// TestReplacedWhileWaiting has somebody wait for the lock of a store that is compacted meanwhile: what they write
// must be in the file that has the name.
func TestReplacedWhileWaiting(t *testing.T) {
	path := bloated(t)
	db := must[*DB](t)(Open(path, Options{}))
	type opened struct {
		db  *DB
		err error
	}
	came := make(chan opened)
	go func() {
		db, err := Open(path, Options{LockTimeout: time.Minute})
		came <- opened{db, err}
	}()
	b := must[[]byte](t)(os.ReadFile(path))
	ok(t, os.WriteFile(path+".2", b, 0o600))
	ok(t, os.Rename(path+".2", path))
	ok(t, db.Close())
	o := <-came
	ok(t, o.err)
	follow(t, o.db, "https://b.example/late", "https://b.example/inbox", "")
	ok(t, o.db.Close())
	db = must[*DB](t)(Open(path, Options{}))
	if _, err := db.Follower("https://b.example/late"); err != nil {
		t.Error("what came after is lost:", err)
	}
	ok(t, db.Close())
}

// TestDamaged breaks a store in many ways. Each is told with what to do, none ends the process, and a file that cannot
// be opened is left as it is.
func TestDamaged(t *testing.T) {
	whole := must[[]byte](t)(os.ReadFile(bloated(t)))
	const page = 4096
	tests := map[string]struct {
		spoil func([]byte) []byte
		opens bool
		says  string // on opening
	}{
		"one meta page":    {func(b []byte) []byte { return flip(b, 16, 64) }, true, ""},
		"other meta page":  {func(b []byte) []byte { return flip(b, page+16, 64) }, true, ""},
		"both meta pages":  {func(b []byte) []byte { return flip(flip(b, 16, 64), page+16, 64) }, false, "backup"},
		"cut to one page":  {func(b []byte) []byte { return b[:page] }, false, "backup"},
		"cut to ten pages": {func(b []byte) []byte { return b[:10*page] }, false, "backup"},
		"cut to a byte":    {func(b []byte) []byte { return b[:1] }, false, "backup"},
		"text":             {func([]byte) []byte { return []byte(strings.Repeat("text", page)) }, false, "move it away"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "crier.db")
			spoilt := test.spoil([]byte(string(whole)))
			ok(t, os.WriteFile(path, spoilt, 0o600))
			db, err := Open(path, Options{})
			if (err == nil) != test.opens {
				t.Fatalf("opens: %v", err)
			}
			if err == nil {
				ok(t, db.Close())
				return
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("it does not say what to do: %v", err)
			}
			if now := must[[]byte](t)(os.ReadFile(path)); string(now) != string(spoilt) {
				t.Error("the file was changed")
			}
		})
	}
	for at := 2 * page; at < len(whole); at += len(whole) / 25 / page * page {
		path := filepath.Join(t.TempDir(), "crier.db")
		ok(t, os.WriteFile(path, flip([]byte(string(whole)), at, page), 0o600))
		db, err := Open(path, Options{})
		if err != nil {
			continue
		}
		// Whatever is there to be found, reading and writing end with an answer.
		_, _ = db.Check()
		_, _ = db.LastLog(0, false)
		_, _ = db.Followers(0, 0)
		_ = db.AppendLog(LogEntry{Type: "x"})
		_ = db.MarkSeen(time.Now(), "https://a.example/1")
		_ = db.Close()
	}
	if _, err := Open(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
}

// TestCutShortInUse takes away the end of a store that is open, as a broken file system does: bbolt's mapping faults.
func TestCutShortInUse(t *testing.T) {
	path := bloated(t)
	db := must[*DB](t)(Open(path, Options{}))
	ok(t, os.Truncate(path, 2*4096))
	if _, err := db.LastLog(100, false); !errors.Is(err, ErrDamaged) {
		t.Errorf("reading: %v", err)
	}
	if err := db.AppendLog(LogEntry{}); !errors.Is(err, ErrDamaged) || !errors.Is(db.Trouble(), ErrDamaged) {
		t.Errorf("writing: %v, trouble %v", err, db.Trouble())
	}
	select {
	case <-db.Troubled():
	default:
		t.Error("nobody is told")
	}
	// Nothing waits for the writer that met the damage.
	if err := db.AppendLog(LogEntry{}); !errors.Is(err, ErrDamaged) {
		t.Errorf("writing again: %v", err)
	}
	ok(t, db.Close())
}

func flip(b []byte, at, n int) []byte {
	for i := at; i < min(at+n, len(b)); i++ {
		b[i] ^= 0x5a
	}
	return b
}
