package gguf

import "fmt"

// The getters below give the value of a metadata key; ok is false where the file does not have it. They fail
// where the value is of another kind.

// Lookup gives the value as it is.
func (f *File) Lookup(key string) (v Value, ok bool) {
	v, ok = f.meta[key]
	return v, ok
}

// Uint gives a non-negative integer of any width.
func (f *File) Uint(key string) (n uint64, ok bool, err error) { return get(f, key, Value.Uint) }

// Float gives a float of any width.
func (f *File) Float(key string) (x float64, ok bool, err error) { return get(f, key, Value.Float) }

// Bool gives a bool.
func (f *File) Bool(key string) (b, ok bool, err error) { return get(f, key, Value.Bool) }

// Text gives a string.
func (f *File) Text(key string) (s string, ok bool, err error) { return get(f, key, Value.Text) }

// Strings gives an array of strings.
func (f *File) Strings(key string) (s []string, ok bool, err error) {
	return get(f, key, Value.Strings)
}

// Ints gives an array of integers of any width.
func (f *File) Ints(key string) (n []int64, ok bool, err error) { return get(f, key, Value.Ints) }

// Tensor gives the entry with the name, nil if there is none.
func (f *File) Tensor(name string) *Tensor {
	i, ok := f.byName[name]
	if !ok {
		return nil
	}
	return &f.Tensors[i]
}

func get[T any](f *File, key string, read func(Value) (T, error)) (T, bool, error) {
	var none T
	v, ok := f.meta[key]
	if !ok {
		return none, false, nil
	}
	x, err := read(v)
	if err != nil {
		return none, true, fmt.Errorf("gguf: metadata key %s %w", key, err)
	}
	return x, true, nil
}
