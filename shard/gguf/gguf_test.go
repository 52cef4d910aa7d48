package gguf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// file writes a GGUF file with the metadata and tensors; tensor data counts up.
func file(t testing.TB, meta map[string]any, tensors ...Tensor) []byte {
	t.Helper()
	w := NewWriter()
	for _, key := range sortedKeys(meta) {
		if err := w.Set(key, meta[key]); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range tensors {
		if err := w.Add(x.Name, x.Type, x.Dims...); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	n := byte(0)
	err := w.WriteTo(&b, func(dst io.Writer, s Section) error {
		data := make([]byte, s.Size)
		for i := range data {
			n++
			data[i] = n
		}
		_, err := dst.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

var twoTensors = []Tensor{
	{Name: "a", Type: quant.Q8_0, Dims: []int64{64, 3}},
	{Name: "b", Type: quant.F32, Dims: []int64{5}},
}

func TestRoundTrip(t *testing.T) {
	meta := map[string]any{
		"bool": true, "text": "grüß", "u8": uint8(200), "u16": uint16(60000), "u32": uint32(4e9), "u64": uint64(1) << 60,
		"i32": int32(-7), "i64": int64(-1) << 40, "f32": float32(0.5), "f64": math.Pi,
		"texts": []string{"x", "", "yz"}, "i32s": []int32{-1, 2}, "u32s": []uint32{3}, "f32s": []float32{1, 2},
	}
	f, err := Parse(file(t, meta, twoTensors...))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]uint64{"u8": 200, "u16": 60000, "u32": 4e9, "u64": 1 << 60} {
		if got, ok, err := f.Uint(key); got != want || !ok || err != nil {
			t.Errorf("%s = %d, %v, %v, want %d", key, got, ok, err, want)
		}
	}
	if got, _, _ := f.Text("text"); got != "grüß" {
		t.Errorf("text = %q", got)
	}
	if got, _, _ := f.Bool("bool"); !got {
		t.Error("bool is false")
	}
	for key, want := range map[string]float64{"f32": 0.5, "f64": math.Pi} {
		if got, _, err := f.Float(key); got != want || err != nil {
			t.Errorf("%s = %g, %v, want %g", key, got, err, want)
		}
	}
	if got, _, _ := f.Strings("texts"); !slices.Equal(got, []string{"x", "", "yz"}) {
		t.Errorf("texts = %q", got)
	}
	for key, want := range map[string][]int64{"i32s": {-1, 2}, "u32s": {3}} {
		if got, _, err := f.Ints(key); !slices.Equal(got, want) || err != nil {
			t.Errorf("%s = %v, %v, want %v", key, got, err, want)
		}
	}
	checkTensors(t, f)
}

func checkTensors(t *testing.T, f *File) {
	t.Helper()
	if len(f.Tensors) != len(twoTensors) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors), len(twoTensors))
	}
	next := byte(1)
	for _, want := range twoTensors {
		got := f.Tensor(want.Name)
		if got == nil || got.Type != want.Type || !slices.Equal(got.Dims, want.Dims) {
			t.Fatalf("tensor %s is %+v, want %+v", want.Name, got, want)
		}
		if got.Data[0] != next || got.Offset%32 != 0 {
			t.Errorf("tensor %s begins with %d at offset %d, want %d", want.Name, got.Data[0], got.Offset, next)
		}
		next += byte(len(got.Data))
	}
	if f.Tensor("c") != nil {
		t.Error("a tensor that is not there")
	}
}

func TestGettersTellKinds(t *testing.T) {
	f, err := Parse(file(t, map[string]any{"text": "x", "neg": int32(-1), "float": float32(1), "texts": []string{"x"},
		"floats": []float32{1}}))
	if err != nil {
		t.Fatal(err)
	}
	fails := func(name string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%s: error %v, want one that says what was expected", name, err)
		}
	}
	_, _, err = f.Uint("text")
	fails("Uint of text", err)
	_, _, err = f.Uint("neg")
	fails("Uint of -1", err)
	_, _, err = f.Float("neg")
	fails("Float of an integer", err)
	_, _, err = f.Bool("text")
	fails("Bool of text", err)
	_, _, err = f.Text("neg")
	fails("Text of a number", err)
	_, _, err = f.Strings("text")
	fails("Strings of text", err)
	_, _, err = f.Ints("floats")
	fails("Ints of floats", err)
	_, _, err = f.Ints("texts")
	fails("Ints of texts", err)
	if _, ok, err := f.Uint("none"); ok || err != nil {
		t.Errorf("a missing key gives %v, %v", ok, err)
	}
}

// raw builds a file by hand, for headers that Writer refuses to write.
type raw []byte

func (r raw) u32(v uint32) raw    { return binary.LittleEndian.AppendUint32(r, v) }
func (r raw) u64(v uint64) raw    { return binary.LittleEndian.AppendUint64(r, v) }
func (r raw) str(s string) raw    { return append(r.u64(uint64(len(s))), s...) }
func (r raw) zeros(n int) raw     { return append(r, make([]byte, n)...) }
func start(tensors, meta int) raw { return raw(magic).u32(3).u64(uint64(tensors)).u64(uint64(meta)) }

// tensor appends a table entry.
func (r raw) tensor(name string, typ quant.Type, offset uint64, dims ...uint64) raw {
	r = r.str(name).u32(uint32(len(dims)))
	for _, d := range dims {
		r = r.u64(d)
	}
	return r.u32(uint32(typ)).u64(offset)
}

func TestLiesAreRefused(t *testing.T) {
	const huge = 1 << 62
	for name, c := range map[string]struct {
		data raw
		want string
		is   error
	}{
		"empty":             {nil, "not a GGUF file", ErrNotGGUF},
		"other file":        {raw("PK\x03\x04").zeros(100), "not a GGUF file", ErrNotGGUF},
		"LFS pointer":       {raw("version https://git-lfs.github.com/spec/v1\n"), "git lfs pull", ErrNotGGUF},
		"magic only":        {raw(magic), "truncated", ErrTruncated},
		"version 1":         {raw(magic).u32(1).zeros(16), "version 1", ErrVersion},
		"version 4":         {raw(magic).u32(4).zeros(16), "version 4, want 2 or 3", ErrVersion},
		"big-endian":        {raw(magic).u32(3 << 24).zeros(16), "big-endian", ErrVersion},
		"metadata count":    {start(0, huge), "promises", ErrTruncated},
		"tensor count":      {start(huge, 0).zeros(64), "promises", ErrTruncated},
		"key length":        {start(0, 1).u64(huge).zeros(64), "key", ErrTruncated},
		"empty key":         {start(0, 1).str("").u32(4).zeros(64), "key of 0 bytes", nil},
		"key twice":         {start(0, 2).str("k").u32(4).u32(1).str("k").u32(4).u32(1), "twice", nil},
		"unknown kind":      {start(0, 1).str("k").u32(99).zeros(64), "unknown value kind 99", nil},
		"string length":     {start(0, 1).str("k").u32(8).u64(math.MaxUint64).zeros(64), "truncated", ErrTruncated},
		"array length":      {start(0, 1).str("k").u32(9).u32(4).u64(huge).zeros(64), "array of", ErrTruncated},
		"array of strings":  {start(0, 1).str("k").u32(9).u32(8).u64(2).u64(huge).zeros(64), "string 0 of 2", ErrTruncated},
		"array of arrays":   {start(0, 1).str("k").u32(9).u32(9).u64(1).zeros(64), "not supported", nil},
		"alignment 0":       {start(0, 1).str("general.alignment").u32(4).u32(0), "power of two", nil},
		"alignment 48":      {start(0, 1).str("general.alignment").u32(4).u32(48), "power of two", nil},
		"alignment text":    {start(0, 1).str("general.alignment").u32(8).str("x"), "want an integer", nil},
		"no dimensions":     {start(1, 0).tensor("t", quant.F32, 0).zeros(64), "0 dimensions", nil},
		"five dimensions":   {start(1, 0).tensor("t", quant.F32, 0, 1, 1, 1, 1, 1).zeros(64), "5 dimensions", nil},
		"dimension 0":       {start(1, 0).tensor("t", quant.F32, 0, 0).zeros(64), "zero or too large", nil},
		"dimensions":        {start(1, 0).tensor("t", quant.F32, 0, 1<<32, 1<<32).zeros(64), "too large", nil},
		"size":              {start(1, 0).tensor("t", quant.F32, 0, huge).zeros(64), "overflows", nil},
		"broken block":      {start(1, 0).tensor("t", quant.Q4_K, 0, 255).zeros(999), "whole number of Q4_K blocks", nil},
		"offset":            {start(1, 0).tensor("t", quant.F32, huge, 8).zeros(64), "past end of file", ErrTruncated},
		"offset beyond":     {start(1, 0).tensor("t", quant.F32, math.MaxUint64, 8).zeros(64), "too large", nil},
		"unaligned offset":  {start(1, 0).tensor("t", quant.F32, 8, 8).zeros(99), "multiple of the alignment", nil},
		"data cut":          {start(1, 0).tensor("t", quant.F32, 0, 64).zeros(99), "past end of file", ErrTruncated},
		"tensor twice":      {start(2, 0).tensor("t", 0, 0, 8).tensor("t", 0, 32, 8).zeros(99), "occurs twice", nil},
		"tensor overlap":    {start(2, 0).tensor("t", 0, 0, 16).tensor("u", 0, 32, 8).zeros(199), "overlap", nil},
		"tensor name empty": {start(1, 0).tensor("", quant.F32, 0, 8).zeros(99), "no name", nil},
		"tensor name long":  {start(1, 0).u64(huge).zeros(99), "name", ErrTruncated},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.data)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("error %v, want one line with %q", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
		})
	}
}

// Cut anywhere, a file is an error, never a shorter model.
func TestEveryCutIsNoticed(t *testing.T) {
	whole := file(t, map[string]any{"k": "text", "n": []int32{1, 2, 3}}, twoTensors...)
	last := len(whole) - 32 + 5*4 // tensor b ends here, then there is padding
	for n := range last {
		if _, err := Parse(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes are accepted", n, len(whole))
		}
	}
	if _, err := Parse(whole[:last]); err != nil {
		t.Fatalf("without the last padding: %v", err)
	}
}

// split writes tensors as the parts of a split file, one tensor each.
func split(t *testing.T, dir string, change func(part int, meta map[string]any)) []string {
	t.Helper()
	var paths []string
	for i, x := range twoTensors {
		meta := map[string]any{"split.no": uint16(i), "split.count": uint16(2), "split.tensors.count": int32(2)}
		if i == 0 {
			meta["k"] = "text"
		}
		if change != nil {
			change(i, meta)
		}
		path := filepath.Join(dir, []string{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"}[i])
		if err := os.WriteFile(path, file(t, meta, x), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestSplitFile(t *testing.T) {
	paths := split(t, t.TempDir(), nil)
	for _, path := range paths {
		f, err := Open(path, os.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := f.Text("k"); got != "text" {
			t.Errorf("opened by %s, metadata is not the first part's", filepath.Base(path))
		}
		if len(f.Tensors) != 2 || f.Tensor("a") == nil || f.Tensor("b") == nil {
			t.Errorf("opened by %s, tensors are %v", filepath.Base(path), f.Tensors)
		}
	}
	if IsLaterPart(paths[0]) || !IsLaterPart(paths[1]) || IsLaterPart("m.gguf") {
		t.Error("IsLaterPart does not tell parts apart")
	}
}

func TestSplitFileRefusals(t *testing.T) {
	set := func(part int, key string, v any) func(int, map[string]any) {
		return func(i int, meta map[string]any) {
			if i == part {
				meta[key] = v
			}
		}
	}
	for name, c := range map[string]struct {
		change func(int, map[string]any)
		spoil  func(paths []string) error
		want   string
	}{
		"missing part":  {nil, func(p []string) error { return os.Remove(p[1]) }, "m-00002-of-00002.gguf"},
		"renamed":       {nil, func(p []string) error { return os.Rename(p[0], filepath.Dir(p[0])+"/x.gguf") }, "renamed"},
		"other part":    {set(1, "split.no", uint16(0)), nil, "says it is part 1"},
		"other count":   {set(1, "split.count", uint16(3)), nil, "of 3"},
		"tensors count": {set(0, "split.tensors.count", int32(5)), nil, "have 2 tensors together, want 5"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			paths := split(t, dir, c.change)
			if c.spoil != nil {
				if err := c.spoil(paths); err != nil {
					t.Fatal(err)
				}
			}
			path := paths[0]
			if name == "renamed" {
				path = filepath.Join(dir, "x.gguf")
			}
			_, err := Open(path, os.ReadFile)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if name == "missing part" && !errors.Is(err, ErrMissingPart) {
				t.Errorf("error %v is not ErrMissingPart", err)
			}
		})
	}
}

func TestWriterRefusals(t *testing.T) {
	w := NewWriter()
	for name, err := range map[string]error{
		"empty key":    w.Set("", "x"),
		"kind":         w.Set("k", struct{}{}),
		"empty name":   w.Add("", quant.F32, 1),
		"no dims":      w.Add("x", quant.F32),
		"broken block": w.Add("x", quant.Q8_0, 33),
		"unknown type": w.Add("x", 99, 32),
		"dimension":    w.Add("x", quant.F32, -1),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := errors.Join(w.Set("k", "x"), w.Add("x", quant.F32, 1)); err != nil {
		t.Fatal(err)
	}
	if w.Set("k", "y") == nil || w.Add("x", quant.F32, 1) == nil {
		t.Error("a key or tensor is accepted twice")
	}
	short := func(dst io.Writer, s Section) error { _, err := dst.Write(make([]byte, s.Size-1)); return err }
	if err := w.WriteTo(io.Discard, short); err == nil || !strings.Contains(err.Error(), "got 3 bytes, want 4") {
		t.Errorf("short data: error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	whole := file(f, map[string]any{"k": "text", "n": []int32{1, 2, 3}, "s": []string{"a", ""}}, twoTensors...)
	f.Add(whole)
	f.Add([]byte(start(1, 1).str("k").u32(9).u32(8).u64(1).str("x").tensor("t", quant.Q8_0, 0, 32, 1).zeros(99)))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		for _, x := range file.Tensors {
			if x.Data != nil && &data[x.Offset] != &x.Data[0] {
				t.Fatalf("tensor %q does not lie at its offset", x.Name)
			}
		}
		for _, key := range file.Keys {
			_, _, _ = file.Strings(key)
			_, _, _ = file.Ints(key)
			_, _, _ = file.Uint(key)
			_, _, _ = file.Float(key)
			_, _, _ = file.Text(key)
		}
	})
}
