//go:build unix

package checkpoint

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file mapped read-only.
type mapping struct {
	path string
	data []byte
}

// mapFile maps the whole file at path. The file may be renamed or deleted afterwards, but not truncated.
func mapFile(path string) (*mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping outlives the descriptor
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() == 0 {
		return nil, fmt.Errorf("%s is empty (an interrupted download?)", path)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping %s (%d bytes): %w", path, info.Size(), err)
	}
	return &mapping{path: path, data: data}, nil
}

// drop gives back the whole pages inside [offset, offset+size); pages shared with a neighbour stay. It is a
// hint: an error changes nothing but memory use.
func (m *mapping) drop(offset, size int64) {
	page := int64(os.Getpagesize())
	start := (offset + page - 1) / page * page
	end := (offset + size) / page * page
	if offset+size == int64(len(m.data)) {
		end = offset + size // the file's end may be in mid-page; the system rounds up
	}
	if start < end {
		_ = unix.Madvise(m.data[start:end], unix.MADV_DONTNEED)
	}
}

func (m *mapping) close() error {
	if m.data == nil {
		return nil
	}
	err := unix.Munmap(m.data)
	m.data = nil
	return err
}
