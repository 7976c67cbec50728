//go:build unix

package store

import (
	"os"
	"syscall"
)

// likeOwner gives a file the owner of another: root may compact the store of the daemon's user.
func likeOwner(name, other string) error {
	info, err := os.Stat(other)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return os.Chown(name, int(st.Uid), int(st.Gid))
	}
	return nil
}
