package feed

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"crier/store"
)

// racy is how fresh a file may be and still be written again without a new time stamp.
const racy = 2 * time.Second

// fetchFile reads a feed from the disk. Size and time of change serve as its validator.
func fetchFile(path string, rec store.Feed, now time.Time) (fetched, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fetched{}, fileError(err)
	}
	if !info.Mode().IsRegular() {
		return fetched{}, &fetchError{text: "the feed is not a file"}
	}
	tag := ""
	if now.Sub(info.ModTime()) > racy {
		tag = fmt.Sprintf("file-%d-%d", info.ModTime().UnixNano(), info.Size())
	}
	if tag != "" && tag == rec.ETag {
		return fetched{notModified: true, etag: tag}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return fetched{}, fileError(err)
	}
	defer file.Close()
	body, err := readLimited(file, info.Size())
	return fetched{body: body, etag: tag}, err
}

func fileError(err error) error {
	text := "the feed cannot be read: " + err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		text = "there is no feed at this path; posts stay as they are"
	case errors.Is(err, fs.ErrPermission):
		text = "crier may not read the feed's file; let its user read it"
	}
	return &fetchError{text: text, err: err}
}
