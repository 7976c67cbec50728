package app

import (
	"fmt"
	"io/fs"
	"syscall"
)

// changed tells a file from a copy of it, with its times kept or not.
func changed(info fs.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Ino, " ", s.Ctim.Nano())
	}
	return fmt.Sprint(info.ModTime().UnixNano())
}
