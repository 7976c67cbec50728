package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
)

// The two meta pages of a bbolt file, as go.etcd.io/bbolt/internal/common lays them out.
const (
	metaAt       = 16 // of the page, after its header
	metaLength   = 64
	metaMagic    = 0xED0CDAED
	smallestPage = 1 << 9
	largestPage  = 1 << 16
)

// examine looks at a file before bbolt does, which would take an empty one for a new store and end the process over
// one that was cut short. Whatever it finds, the file is left alone.
func examine(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return errors.New("it is a directory: the store is a file; move the directory away, or set another data_dir")
	case info.Size() == 0:
		return errors.New("it is empty: put a backup in its place, or remove it to begin anew")
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: crier must run as the user whom the file belongs to", err)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	end, known := int64(0), false
	first, pageSize := readMeta(f, 0)
	if pageSize > 0 {
		end, known = first, true
	}
	// Where the first one is torn, only trying tells how long a page is.
	sizes := []int64{pageSize}
	if pageSize == 0 {
		sizes = sizes[:0]
		for n := int64(smallestPage); n <= largestPage; n *= 2 {
			sizes = append(sizes, n)
		}
	}
	for _, n := range sizes {
		if second, size := readMeta(f, n); size == n && n > 0 {
			end, known = max(end, second), true
		}
	}
	if !known {
		return errors.New("the file is not a store of crier's, or its beginning is destroyed: put a backup in its place, or move it away to begin anew")
	}
	// After the meta pages, since a store in use grows.
	if info, err = f.Stat(); err != nil {
		return err
	}
	if info.Size() < end {
		return fmt.Errorf("the file was cut short (%d bytes of at least %d): %w", info.Size(), end, ErrDamaged)
	}
	return nil
}

// readMeta reads the meta page at an offset: where the pages in use end, and how long one is; 0 where it is none.
func readMeta(f io.ReaderAt, at int64) (end, pageSize int64) {
	var page [metaAt + metaLength]byte
	if _, err := f.ReadAt(page[:], at); err != nil {
		return 0, 0
	}
	m := page[metaAt:]
	sum := fnv.New64a()
	_, _ = sum.Write(m[:metaLength-8])
	order := binary.NativeEndian // as bbolt writes it
	if order.Uint32(m) != metaMagic || order.Uint64(m[metaLength-8:]) != sum.Sum64() {
		return 0, 0
	}
	pageSize = int64(order.Uint32(m[8:]))
	pages := order.Uint64(m[40:])
	if pageSize < smallestPage || pageSize > largestPage || pages > 1<<40 {
		return 0, 0
	}
	return int64(pages) * pageSize, pageSize
}
