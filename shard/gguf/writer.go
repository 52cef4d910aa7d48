package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// Writer lays out a GGUF file of version 3. Set metadata and add tensors, then either stream everything with
// WriteTo, or write Header at 0 and each tensor's data at its Offset in any order (sections that are written in
// parallel). Metadata keys and tensors keep their order.
type Writer struct {
	meta    []byte // encoded
	metas   int
	keys    map[string]bool
	tensors []Tensor // Offset relative to the data section
	names   map[string]bool
	end     int64 // of the data section
}

// NewWriter gives an empty Writer.
func NewWriter() *Writer { return &Writer{keys: map[string]bool{}, names: map[string]bool{}} }

// Set adds a metadata entry. v is a bool, string, uint8, uint16, uint32, uint64, int32, int64, float32, float64,
// []string, []int32, []uint32 or []float32. It fails for other types and for a key that is set already.
func (w *Writer) Set(key string, v any) error {
	if key == "" || len(key) > maxKey || w.keys[key] {
		return fmt.Errorf("gguf: metadata key %q is empty, too long or set already", key)
	}
	b, err := appendValue(nil, v)
	if err != nil {
		return fmt.Errorf("gguf: metadata key %s: %w", key, err)
	}
	w.keys[key] = true
	w.metas++
	w.meta = append(appendString(w.meta, key), b...)
	return nil
}

// Add adds a tensor with the dims (innermost first). It fails for a type that is not served, a bad shape and a
// name that is taken.
func (w *Writer) Add(name string, typ quant.Type, dims ...int64) error {
	t := Tensor{Name: name, Type: typ, Dims: dims, Offset: w.end}
	if name == "" || w.names[name] || !typ.Known() || len(dims) < 1 || len(dims) > maxDims {
		return fmt.Errorf("gguf: tensor %q of %v %v: bad or duplicate name, type or dimensions", name, typ, dims)
	}
	for _, d := range dims {
		if d <= 0 || d > math.MaxInt32 {
			return fmt.Errorf("gguf: tensor %s: dimensions %v", name, dims)
		}
	}
	n, err := t.bytes()
	if err != nil {
		return fmt.Errorf("gguf: %w", err)
	}
	w.names[name] = true
	w.tensors = append(w.tensors, t)
	w.end = alignUp(w.end+n, defaultAlignment)
	return nil
}

// Header is everything before the tensor data, padding included.
func (w *Writer) Header() []byte {
	b := append([]byte(magic), 3, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(w.tensors)))
	b = binary.LittleEndian.AppendUint64(b, uint64(w.metas))
	b = append(b, w.meta...)
	for _, t := range w.tensors {
		b = appendString(b, t.Name)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Dims)))
		for _, d := range t.Dims {
			b = binary.LittleEndian.AppendUint64(b, uint64(d))
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(t.Type))
		b = binary.LittleEndian.AppendUint64(b, uint64(t.Offset))
	}
	return append(b, make([]byte, alignUp(int64(len(b)), defaultAlignment)-int64(len(b)))...)
}

// Section is where a tensor's data goes.
type Section struct {
	Name   string
	Type   quant.Type
	Dims   []int64
	Offset int64 // from the file's start
	Size   int64 // bytes
}

// Sections gives the place of each tensor's data, in the order added, and the size of the whole file.
func (w *Writer) Sections() (sections []Section, size int64) {
	start := int64(len(w.Header()))
	for i := range w.tensors {
		t := &w.tensors[i]
		n, _ := t.bytes() // checked by Add
		sections = append(sections, Section{t.Name, t.Type, t.Dims, start + t.Offset, n})
	}
	return sections, start + w.end
}

// WriteTo writes the file to dst front to back; data writes a tensor's Size bytes.
func (w *Writer) WriteTo(dst io.Writer, data func(dst io.Writer, s Section) error) error {
	if _, err := dst.Write(w.Header()); err != nil {
		return fmt.Errorf("gguf: writing the header: %w", err)
	}
	sections, _ := w.Sections()
	for _, s := range sections {
		c := &counter{w: dst}
		if err := data(c, s); err != nil {
			return fmt.Errorf("gguf: writing tensor %s: %w", s.Name, err)
		}
		if c.n != s.Size {
			return fmt.Errorf("gguf: writing tensor %s: got %d bytes, want %d", s.Name, c.n, s.Size)
		}
		if _, err := dst.Write(make([]byte, alignUp(c.n, defaultAlignment)-c.n)); err != nil {
			return fmt.Errorf("gguf: writing tensor %s: %w", s.Name, err)
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

func appendKind(b []byte, k Kind) []byte { return binary.LittleEndian.AppendUint32(b, uint32(k)) }

func appendArray(b []byte, elem Kind, n int) []byte {
	b = appendKind(appendKind(b, Array), elem)
	return binary.LittleEndian.AppendUint64(b, uint64(n))
}

// appendValue appends kind and value.
func appendValue(b []byte, v any) ([]byte, error) {
	le := binary.LittleEndian
	switch v := v.(type) {
	case bool:
		n := byte(0)
		if v {
			n = 1
		}
		return append(appendKind(b, Bool), n), nil
	case string:
		return appendString(appendKind(b, String), v), nil
	case uint8:
		return append(appendKind(b, Uint8), v), nil
	case uint16:
		return le.AppendUint16(appendKind(b, Uint16), v), nil
	case uint32:
		return le.AppendUint32(appendKind(b, Uint32), v), nil
	case uint64:
		return le.AppendUint64(appendKind(b, Uint64), v), nil
	case int32:
		return le.AppendUint32(appendKind(b, Int32), uint32(v)), nil
	case int64:
		return le.AppendUint64(appendKind(b, Int64), uint64(v)), nil
	case float32:
		return le.AppendUint32(appendKind(b, Float32), math.Float32bits(v)), nil
	case float64:
		return le.AppendUint64(appendKind(b, Float64), math.Float64bits(v)), nil
	}
	return appendArrayValue(b, v)
}

func appendArrayValue(b []byte, v any) ([]byte, error) {
	le := binary.LittleEndian
	switch v := v.(type) {
	case []string:
		b = appendArray(b, String, len(v))
		for _, s := range v {
			b = appendString(b, s)
		}
	case []int32:
		b = appendArray(b, Int32, len(v))
		for _, n := range v {
			b = le.AppendUint32(b, uint32(n))
		}
	case []uint32:
		b = appendArray(b, Uint32, len(v))
		for _, n := range v {
			b = le.AppendUint32(b, n)
		}
	case []float32:
		b = appendArray(b, Float32, len(v))
		for _, x := range v {
			b = le.AppendUint32(b, math.Float32bits(x))
		}
	default:
		return nil, fmt.Errorf("values of type %T are not supported", v)
	}
	return b, nil
}
