//go:build unix

package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestCompactKeepsLinkAndOwner: root may compact the store of the daemon's user, by a link to it.
func TestCompactKeepsLinkAndOwner(t *testing.T) {
	path := bloated(t)
	link := filepath.Join(t.TempDir(), "crier.db")
	ok(t, os.Symlink(path, link))
	if os.Getuid() == 0 {
		ok(t, os.Chown(path, 65532, 65532))
	}
	want := must[os.FileInfo](t)(os.Stat(path)).Sys().(*syscall.Stat_t)
	if before, after, err := Compact(link, Options{}); err != nil || after >= before {
		t.Fatalf("%d bytes became %d: %v", before, after, err)
	}
	if to, err := os.Readlink(link); err != nil || to != path {
		t.Errorf("the link leads to %q: %v", to, err)
	}
	got := must[os.FileInfo](t)(os.Stat(path)).Sys().(*syscall.Stat_t)
	if got.Uid != want.Uid || got.Gid != want.Gid || got.Ino == want.Ino {
		t.Errorf("%d:%d became %d:%d", want.Uid, want.Gid, got.Uid, got.Gid)
	}
}
