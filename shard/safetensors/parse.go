package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	mathbits "math/bits"
	"slices"
)

// ErrTruncated is returned when the file ends before what its header promises.
var ErrTruncated = errors.New("file is truncated")

// File is the parsed header of one file.
type File struct {
	Tensors  []Tensor          // by place in the file
	Metadata map[string]string // "format": "pt" in most files
}

// Tensor is an entry of the header.
type Tensor struct {
	Name   string
	DType  DType
	Shape  []int64 // outermost first: a matrix has {rows, cols}; empty for a scalar
	Offset int64   // of the data, from the start of the file
	Data   []byte  // aliases the file
}

const (
	metadataKey = "__metadata__"
	maxHeader   = 100_000_000 // the reference implementation's limit, in bytes
	maxDims     = 16
)

// Parse reads the header of the safetensors file with the content data. Errors name the tensor or the offset;
// ErrTruncated can be told apart.
func Parse(data []byte) (*File, error) {
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return f, nil
}

func parse(data []byte) (*File, error) {
	header, body, err := split(data)
	if err != nil {
		return nil, err
	}
	f := &File{}
	if err := f.readHeader(header); err != nil {
		return nil, err
	}
	return f, f.place(body, int64(8+len(header)))
}

// split cuts the file into header and tensor data.
func split(data []byte) (header, body []byte, err error) {
	if bytes.HasPrefix(data, []byte("version https://git-lfs")) {
		return nil, nil, errors.New("this is a Git LFS pointer, not the file itself (fetch it with: git lfs pull)")
	}
	if len(data) < 8 {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrTruncated, len(data))
	}
	n := binary.LittleEndian.Uint64(data)
	switch {
	case n > maxHeader:
		return nil, nil, fmt.Errorf("a header of %d bytes, want at most %d (not a safetensors file?)", n, maxHeader)
	case n > uint64(len(data)-8):
		return nil, nil, fmt.Errorf("%w: a header of %d bytes, %d bytes follow", ErrTruncated, n, len(data)-8)
	}
	return data[8 : 8+n], data[8+n:], nil
}

// entry is a tensor in the header's JSON.
type entry struct {
	DType   *DType    `json:"dtype"`
	Shape   []uint64  `json:"shape"`
	Offsets *[]uint64 `json:"data_offsets"`
}

// readHeader reads the entries one by one, because encoding/json would let the last of two equal names win.
func (f *File) readHeader(header []byte) error {
	if len(header) == 0 || header[0] != '{' {
		return errors.New("the header does not begin with '{' (not a safetensors file?)")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	seen := map[string]bool{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		name := key.(string) // an object's keys are strings, or Token fails
		if seen[name] {
			return fmt.Errorf("tensor %s occurs twice", printable(name))
		}
		seen[name] = true
		if err := f.readEntry(dec, name); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if rest := bytes.TrimRight(header[dec.InputOffset():], " "); len(rest) > 0 {
		return fmt.Errorf("header: %d bytes after its closing brace", len(rest))
	}
	return nil
}

func (f *File) readEntry(dec *json.Decoder, name string) error {
	if name == metadataKey {
		if err := dec.Decode(&f.Metadata); err != nil {
			return fmt.Errorf("header: %s: %w", metadataKey, err)
		}
		return nil
	}
	var e entry
	if err := dec.Decode(&e); err != nil {
		return fmt.Errorf("header: tensor %s: %w", printable(name), err)
	}
	t, err := e.tensor()
	if err != nil {
		return fmt.Errorf("tensor %s: %w", printable(name), err)
	}
	t.Name = name
	f.Tensors = append(f.Tensors, t)
	return nil
}

// tensor checks all that does not depend on the file's size; Data is left nil, Offset counts from the data's start.
func (e *entry) tensor() (Tensor, error) {
	if e.DType == nil || e.Shape == nil || e.Offsets == nil || len(*e.Offsets) != 2 {
		return Tensor{}, errors.New("needs dtype, shape and two data_offsets")
	}
	t := Tensor{DType: *e.DType}
	if t.DType.Bits() == 0 {
		return Tensor{}, fmt.Errorf("unknown dtype %s", printable(string(t.DType)))
	}
	size, err := e.size(&t)
	if err != nil {
		return Tensor{}, err
	}
	begin, end := (*e.Offsets)[0], (*e.Offsets)[1]
	if begin > end || end > math.MaxInt64/2 {
		return Tensor{}, fmt.Errorf("data_offsets %d to %d are impossible", begin, end)
	}
	if end-begin != size {
		return Tensor{}, fmt.Errorf("data_offsets %d to %d hold %d bytes, %s of shape %v takes %d",
			begin, end, end-begin, t.DType, t.Shape, size)
	}
	t.Offset = int64(begin)
	return t, nil
}

// size copies the shape to t and gives the bytes that it takes.
func (e *entry) size(t *Tensor) (uint64, error) {
	if len(e.Shape) > maxDims {
		return 0, fmt.Errorf("has %d dimensions, want at most %d", len(e.Shape), maxDims)
	}
	total := uint64(t.DType.Bits())
	for _, d := range e.Shape {
		hi, lo := mathbits.Mul64(total, d)
		if hi != 0 || lo > 1<<62 || d > 1<<62 {
			return 0, fmt.Errorf("shape %v is too large", e.Shape)
		}
		total = lo
		t.Shape = append(t.Shape, int64(d))
	}
	if total%8 != 0 {
		return 0, fmt.Errorf("shape %v of %s is not a whole number of bytes", e.Shape, t.DType)
	}
	return total / 8, nil
}

// place cuts the tensors' data out of body, which begins at the offset start of the file, and checks that the
// tensors cover it exactly. readHeader has left each tensor's size to be told from its shape.
func (f *File) place(body []byte, start int64) error {
	slices.SortStableFunc(f.Tensors, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.bytes(), b.bytes()))
	})
	end := int64(0)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		n := t.bytes()
		switch {
		case t.Offset < end:
			return fmt.Errorf("tensors %s and %s overlap", printable(f.Tensors[i-1].Name), printable(t.Name))
		case t.Offset > end:
			return fmt.Errorf("tensor %s: %d unused bytes before offset %d", printable(t.Name), t.Offset-end, t.Offset)
		case n > int64(len(body))-t.Offset:
			return fmt.Errorf("tensor %s: offset %d past end of file (size %d): %w",
				printable(t.Name), start+t.Offset+n, start+int64(len(body)), ErrTruncated)
		}
		end = t.Offset + n
		t.Data = body[t.Offset:end:end]
		t.Offset += start
	}
	if end != int64(len(body)) {
		return fmt.Errorf("%d bytes after the last tensor", int64(len(body))-end)
	}
	return nil
}

// bytes is the size of the data; entry.size has checked the product.
func (t *Tensor) bytes() int64 {
	n := int64(t.DType.Bits())
	for _, d := range t.Shape {
		n *= d
	}
	return n / 8
}

// printable makes a name from an unchecked file fit for an error message: quoted where odd, cut where long.
func printable(s string) string {
	const most = 80
	cut := ""
	if len(s) > most {
		s, cut = s[:most], "…"
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f {
			return fmt.Sprintf("%q%s", s, cut)
		}
	}
	return s + cut
}
