package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file puts a header and size bytes of data, counting up, together.
func file(header string, size int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	for i := range size {
		b = append(b, byte(i))
	}
	return b
}

func tensor(name, dtype, shape string, begin, end uint64) string {
	return fmt.Sprintf(`%q: {"dtype": %q, "shape": %s, "data_offsets": [%d, %d]}`, name, dtype, shape, begin, end)
}

func header(entries ...string) string { return "{" + strings.Join(entries, ", ") + "}" }

func TestParse(t *testing.T) {
	h := header(`"__metadata__": {"format": "pt"}`, tensor("b", "F32", "[2]", 12, 20), tensor("a", "BF16", "[2, 3]", 0, 12),
		tensor("none", "F16", "[0, 7]", 12, 12), tensor("one", "I8", "[]", 20, 21))
	f, err := Parse(file(h+"   ", 21))
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["format"] != "pt" {
		t.Errorf("metadata %v", f.Metadata)
	}
	start := int64(8 + len(h) + 3)
	for i, want := range []Tensor{
		{"a", BF16, []int64{2, 3}, start, []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		{"none", F16, []int64{0, 7}, start + 12, nil},
		{"b", F32, []int64{2}, start + 12, []byte{12, 13, 14, 15, 16, 17, 18, 19}},
		{"one", "I8", nil, start + 20, []byte{20}},
	} {
		got := f.Tensors[i]
		if got.Name != want.Name || got.DType != want.DType || got.Offset != want.Offset ||
			!slices.Equal(got.Shape, want.Shape) || !slices.Equal(got.Data, want.Data) {
			t.Errorf("tensor %d is %+v, want %+v", i, got, want)
		}
	}
}

func TestLiesAreRefused(t *testing.T) {
	good := tensor("t", "F32", "[2]", 0, 8)
	for name, c := range map[string]struct {
		data []byte
		want string
		is   error
	}{
		"empty":            {nil, "0 bytes", ErrTruncated},
		"no header":        {file("", 0), "'{'", nil},
		"LFS pointer":      {[]byte("version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull", nil},
		"header huge":      {binary.LittleEndian.AppendUint64(nil, 1<<63), "want at most", nil},
		"header cut":       {file(header(good), 8)[:30], "header of", ErrTruncated},
		"header no JSON":   {file("{]", 0), "header", nil},
		"header open":      {file("{"+good, 8), "header", nil},
		"header list":      {file("[]", 0), "'{'", nil},
		"header rest":      {file(header(good)+"x", 8), "after its closing brace", nil},
		"twice":            {file(header(good, good), 8), "tensor t occurs twice", nil},
		"entry number":     {file(`{"t": 1}`, 8), "tensor t", nil},
		"metadata number":  {file(`{"__metadata__": {"a": 1}}`, 0), "__metadata__", nil},
		"no dtype":         {file(`{"t": {"shape": [1], "data_offsets": [0, 4]}}`, 4), "needs dtype", nil},
		"no shape":         {file(`{"t": {"dtype": "F32", "data_offsets": [0, 4]}}`, 4), "needs dtype", nil},
		"one offset":       {file(`{"t": {"dtype": "F32", "shape": [1], "data_offsets": [0]}}`, 4), "two data_offsets", nil},
		"unknown dtype":    {file(header(tensor("t", "F31", "[2]", 0, 8)), 8), "unknown dtype F31", nil},
		"negative dim":     {file(header(tensor("t", "F32", "[-2]", 0, 8)), 8), "tensor t", nil},
		"dims overflow":    {file(header(tensor("t", "F32", "[4294967296, 4294967296]", 0, 0)), 8), "too large", nil},
		"many dims":        {file(header(tensor("t", "F32", "["+strings.Repeat("1,", 20)+"1]", 0, 4)), 4), "21 dimensions", nil},
		"half a byte":      {file(header(tensor("t", "F4", "[3]", 0, 1)), 1), "whole number of bytes", nil},
		"offsets backward": {file(header(tensor("t", "F32", "[2]", 8, 0)), 8), "impossible", nil},
		"offsets huge":     {file(header(tensor("t", "F32", "[2]", 1<<63, 1<<63+8)), 8), "impossible", nil},
		"size":             {file(header(tensor("t", "F32", "[3]", 0, 8)), 8), "hold 8 bytes, F32 of shape [3] takes 12", nil},
		"overlap":          {file(header(good, tensor("u", "F32", "[2]", 4, 12)), 12), "overlap", nil},
		"same place":       {file(header(good, tensor("u", "F32", "[2]", 0, 8)), 8), "overlap", nil},
		"hole":             {file(header(good, tensor("u", "F32", "[2]", 12, 20)), 20), "4 unused bytes", nil},
		"data cut":         {file(header(good), 7), "past end of file", ErrTruncated},
		"data rest":        {file(header(good), 9), "1 bytes after the last tensor", nil},
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

func TestEveryCutIsNoticed(t *testing.T) {
	whole := file(header(tensor("t", "F32", "[2]", 0, 8), tensor("u", "BF16", "[3]", 8, 14)), 14)
	for n := range whole {
		if _, err := Parse(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes are accepted", n, len(whole))
		}
	}
}

// folder writes files; content by name.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// one is a file with a single tensor.
func one(name string) string { return string(file(header(tensor(name, "F32", "[2]", 0, 8)), 8)) }

func index(entries ...string) string {
	return `{"metadata": {"total_size": 16}, "weight_map": {` + strings.Join(entries, ", ") + `}}`
}

func TestOpen(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		parts []string
	}{
		"index": {map[string]string{
			indexName: index(`"a": "x.safetensors"`, `"b": "y.safetensors"`), "x.safetensors": one("a"), "y.safetensors": one("b"),
			"z.safetensors": "not of this model",
		}, []string{"x.safetensors", "y.safetensors"}},
		"single":       {map[string]string{singleName: one("a"), "z.safetensors": "not of this model"}, []string{singleName}},
		"other name":   {map[string]string{"x.safetensors": one("a"), "config.json": ""}, []string{"x.safetensors"}},
		"beside a bin": {map[string]string{"x.safetensors": one("a"), "pytorch_model.bin": ""}, []string{"x.safetensors"}},
	} {
		t.Run(name, func(t *testing.T) {
			parts, err := Open(folder(t, c.files), os.ReadFile)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range parts {
				got = append(got, filepath.Base(p.Path))
			}
			if !slices.Equal(got, c.parts) {
				t.Errorf("parts %v, want %v", got, c.parts)
			}
		})
	}
}

func TestOpenRefusals(t *testing.T) {
	both := index(`"a": "x.safetensors"`, `"b": "y.safetensors"`)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing":      {nil, "no .safetensors file"},
		"pickles":      {map[string]string{"pytorch_model.bin": ""}, ".bin weights only"},
		"no index":     {map[string]string{"x.safetensors": one("a"), "y.safetensors": one("b")}, "no model.safetensors.index.json"},
		"missing part": {map[string]string{indexName: both, "x.safetensors": one("a")}, "y.safetensors"},
		"cut part":     {map[string]string{indexName: both, "x.safetensors": one("a"), "y.safetensors": one("b")[:40]}, "y.safetensors"},
		"swapped":      {map[string]string{indexName: both, "x.safetensors": one("b"), "y.safetensors": one("a")}, "tensor a is not in x"},
		"twice":        {map[string]string{indexName: both, "x.safetensors": one("a"), "y.safetensors": one("a")}, "in both"},
		"index JSON":   {map[string]string{indexName: "{"}, indexName},
		"index empty":  {map[string]string{indexName: "{}"}, "weight_map is missing"},
		"index path":   {map[string]string{indexName: index(`"a": "../x.safetensors"`)}, "same folder"},
		"index file":   {map[string]string{indexName: index(`"a": "passwd"`)}, "same folder"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(folder(t, c.files), os.ReadFile)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file(header(`"__metadata__": {"format": "pt"}`, tensor("t", "F32", "[2, 1]", 0, 8), tensor("u", "F4", "[4]", 8, 10)), 10))
	f.Add(file(header(tensor("t", "BF16", "[]", 0, 2)), 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		end := int64(8 + binary.LittleEndian.Uint64(data))
		for _, x := range file.Tensors {
			if x.Offset != end {
				t.Fatalf("tensor %q begins at %d, want %d", x.Name, x.Offset, end)
			}
			end += int64(len(x.Data))
		}
		if end != int64(len(data)) {
			t.Fatalf("tensors end at %d of %d bytes", end, len(data))
		}
	})
}

func FuzzParseIndex(f *testing.F) {
	f.Add([]byte(index(`"a": "x.safetensors"`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		weights, err := parseIndex(data)
		if err != nil {
			return
		}
		for _, file := range weights {
			if file != filepath.Base(file) {
				t.Fatalf("file %q is not in the folder", file)
			}
		}
	})
}
