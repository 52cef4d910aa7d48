package gguf

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
)

// File is the parsed header of one GGUF file, or of all parts of a split one (see Open).
type File struct {
	Version   uint32
	Alignment int64
	Tensors   []Tensor // in the order of the table, part after part
	Keys      []string // in the order of the file; of a split file, of its first part
	meta      map[string]Value
	byName    map[string]int
}

const (
	magic            = "GGUF"
	defaultAlignment = 32
	// The bytes that an entry takes at least, so that a count can be checked before anything is allocated.
	leastMeta   = 8 + 1 + 4 + 1         // key "x", a one-byte value
	leastTensor = 8 + 1 + 4 + 8 + 4 + 8 // name "x", one dimension
	maxKey      = 65535                 // the format's limit
)

// Parse reads the header of the GGUF file with the content data. Tensors alias data; their bytes are not read.
// Errors name the field, the offset or the tensor; ErrNotGGUF, ErrVersion and ErrTruncated can be told apart.
func Parse(data []byte) (*File, error) {
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	return f, nil
}

func parse(data []byte) (*File, error) {
	c := &cursor{data: data}
	f := &File{meta: map[string]Value{}, byName: map[string]int{}}
	tensors, metas, err := f.readPreamble(c)
	if err != nil {
		return nil, err
	}
	for i := range metas {
		if err := f.readMeta(c); err != nil {
			return nil, fmt.Errorf("metadata %d of %d: %w", i+1, metas, err)
		}
	}
	if f.Alignment, err = f.alignment(); err != nil {
		return nil, err
	}
	for i := range tensors {
		t, err := readTensor(c)
		if err != nil {
			return nil, fmt.Errorf("tensor %d of %d: %w", i+1, tensors, err)
		}
		if err := f.add(t); err != nil {
			return nil, err
		}
	}
	return f, f.place(data, int64(c.pos))
}

func (f *File) readPreamble(c *cursor) (tensors, metas uint64, err error) {
	if bytes.HasPrefix(c.data, []byte("version https://git-lfs")) {
		return 0, 0, fmt.Errorf("%w but a Git LFS pointer (fetch the file itself with: git lfs pull)", ErrNotGGUF)
	}
	m, err := c.take(4)
	if err != nil || string(m) != magic {
		return 0, 0, ErrNotGGUF
	}
	if f.Version, err = c.u32(); err != nil {
		return 0, 0, err
	}
	switch {
	case f.Version == 1:
		return 0, 0, fmt.Errorf("%w: version 1 (of 2023); convert the model again", ErrVersion)
	case f.Version&0xffff == 0 && f.Version != 0:
		return 0, 0, fmt.Errorf("%w: the file is big-endian; convert it for little-endian machines", ErrVersion)
	case f.Version < 2 || f.Version > 3:
		return 0, 0, fmt.Errorf("%w: version %d, want 2 or 3", ErrVersion, f.Version)
	}
	if tensors, err = c.u64(); err != nil {
		return 0, 0, err
	}
	if metas, err = c.u64(); err != nil {
		return 0, 0, err
	}
	left := uint64(c.left())
	if metas > left/leastMeta || tensors > left/leastTensor {
		return 0, 0, fmt.Errorf("%w: header promises %d metadata entries and %d tensors, %d bytes follow",
			ErrTruncated, metas, tensors, left)
	}
	return tensors, metas, nil
}

func (f *File) readMeta(c *cursor) error {
	kb, err := c.str()
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if len(kb) == 0 || len(kb) > maxKey {
		return fmt.Errorf("key of %d bytes, want 1 to %d", len(kb), maxKey)
	}
	kind, err := c.u32()
	if err != nil {
		return fmt.Errorf("%s: %w", printable(kb), err)
	}
	v, err := readValue(c, Kind(kind))
	if err != nil {
		return fmt.Errorf("%s: %w", printable(kb), err)
	}
	key := string(kb)
	if _, dup := f.meta[key]; dup {
		return fmt.Errorf("key %s occurs twice", printable(kb))
	}
	f.meta[key] = v
	f.Keys = append(f.Keys, key)
	return nil
}

func (f *File) alignment() (int64, error) {
	a, ok, err := f.Uint("general.alignment")
	switch {
	case err != nil:
		return 0, err
	case !ok:
		return defaultAlignment, nil
	case a == 0 || a&(a-1) != 0 || a > math.MaxInt32:
		return 0, fmt.Errorf("general.alignment is %d, want a power of two", a)
	}
	return int64(a), nil
}

// add appends a tensor; its name must be new.
func (f *File) add(t Tensor) error {
	if t.Name == "" {
		return fmt.Errorf("tensor %d has no name", len(f.Tensors)+1)
	}
	if _, dup := f.byName[t.Name]; dup {
		return fmt.Errorf("tensor %s occurs twice", printable([]byte(t.Name)))
	}
	f.byName[t.Name] = len(f.Tensors)
	f.Tensors = append(f.Tensors, t)
	return nil
}

// place turns offsets from the data section, which follows the header's end, into offsets from the file's
// start, and cuts the tensors' data, after checking that it lies in the file and belongs to one tensor only.
func (f *File) place(data []byte, headerEnd int64) error {
	start := alignUp(headerEnd, f.Alignment)
	size := int64(len(data))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		n, err := t.bytes()
		if err != nil {
			return err
		}
		if t.Offset%f.Alignment != 0 {
			return fmt.Errorf("tensor %s: offset %d is not a multiple of the alignment %d",
				printable([]byte(t.Name)), t.Offset, f.Alignment)
		}
		t.Offset += start
		if t.Offset > size || n > size-t.Offset {
			return fmt.Errorf("tensor %s: offset %d past end of file (size %d): %w",
				printable([]byte(t.Name)), t.Offset+n, size, ErrTruncated)
		}
		if n > 0 {
			t.Data = data[t.Offset : t.Offset+n : t.Offset+n]
		}
	}
	return f.checkOverlap()
}

func (f *File) checkOverlap() error {
	order := make([]int, len(f.Tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(f.Tensors[a].Offset, f.Tensors[b].Offset) })
	for i := 1; i < len(order); i++ {
		a, b := &f.Tensors[order[i-1]], &f.Tensors[order[i]]
		if a.Offset+int64(len(a.Data)) > b.Offset {
			return fmt.Errorf("tensors %s and %s overlap", printable([]byte(a.Name)), printable([]byte(b.Name)))
		}
	}
	return nil
}

func alignUp(n, align int64) int64 { return (n + align - 1) &^ (align - 1) }
