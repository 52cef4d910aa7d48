package gguf

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
)

// Split files are named NAME-00001-of-000NN.gguf (llama.cpp's gguf-split). Each part is a GGUF file with some of
// the tensors; the first has the metadata. split.no counts from 0, split.count is the number of parts,
// split.tensors.count that of all tensors.

var splitName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// maxParts bounds split.count (a u16 in the file) to what the naming scheme could hold in practice.
const maxParts = 9999

// Open parses the GGUF file at path and, where it is a part of a split file, all other parts beside it, whichever
// part was named. open gives the content of a file, usually by mapping it; it is called for path first and the
// caller keeps what it must close. The result has the metadata of the first part and the tensors of all.
// ErrMissingPart is returned when open fails for another part. Errors name the parts other than path.
func Open(path string, open func(path string) ([]byte, error)) (*File, error) {
	data, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	f, err := Parse(data)
	if err != nil {
		return nil, err
	}
	count, split, err := f.Uint("split.count")
	if err != nil || !split || count <= 1 {
		return f, err
	}
	return openParts(path, f, count, open)
}

// openParts joins the parts of a split file; named is the one at path.
func openParts(path string, named *File, count uint64, open func(string) ([]byte, error)) (*File, error) {
	m := splitName.FindStringSubmatch(filepath.Base(path))
	if m == nil || count > maxParts || m[3] != fmt.Sprintf("%05d", count) {
		return nil, fmt.Errorf("gguf: %s is one of %d parts, its name should end in -0000N-of-%05d.gguf (was it renamed?)",
			path, count, count)
	}
	no, _ := strconv.Atoi(m[2])
	var joined *File
	for i := range int(count) {
		name := fmt.Sprintf("%s-%05d-of-%s.gguf", m[1], i+1, m[3])
		part := named
		if i != no-1 {
			var err error
			if part, err = openPart(filepath.Join(filepath.Dir(path), name), open); err != nil {
				return nil, err
			}
		}
		if err := part.checkPart(i, count); err != nil {
			return nil, fmt.Errorf("gguf: %s: %w", name, err)
		}
		if joined == nil {
			joined = part
		} else if err := joined.join(part); err != nil {
			return nil, fmt.Errorf("gguf: %s: %w", name, err)
		}
	}
	return joined, joined.checkTotal(path)
}

func openPart(path string, open func(string) ([]byte, error)) (*File, error) {
	data, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w: %s: %w", ErrMissingPart, filepath.Base(path), err)
	}
	f, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", err, filepath.Base(path))
	}
	return f, nil
}

// checkPart checks that this is part i (from 0) of count.
func (f *File) checkPart(i int, count uint64) error {
	n, _, err := f.Uint("split.count")
	if err != nil {
		return err
	}
	no, ok, err := f.Uint("split.no")
	if err != nil {
		return err
	}
	if n != count || !ok || no != uint64(i) {
		return fmt.Errorf("says it is part %d of %d, want %d of %d (parts of different files?)", no+1, n, i+1, count)
	}
	return nil
}

func (f *File) join(part *File) error {
	for _, t := range part.Tensors {
		if err := f.add(t); err != nil {
			return err
		}
	}
	return nil
}

func (f *File) checkTotal(path string) error {
	want, ok, err := f.Uint("split.tensors.count")
	if err != nil {
		return err
	}
	if ok && want != uint64(len(f.Tensors)) {
		return fmt.Errorf("gguf: the parts of %s have %d tensors together, want %d", path, len(f.Tensors), want)
	}
	return nil
}

// IsLaterPart tells from its name that a file is part 2 or later of a split file.
func IsLaterPart(path string) bool {
	m := splitName.FindStringSubmatch(filepath.Base(path))
	return m != nil && m[2] != "00001"
}
