package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	indexName  = "model.safetensors.index.json"
	singleName = "model.safetensors"
	maxIndex   = 64 << 20 // bytes; a real one has 100 bytes for each tensor
)

// Part is one file of a model.
type Part struct {
	Path string
	File *File
}

// Open parses the safetensors files of the model in the folder dir. open gives the content of a file, usually by
// mapping it; the caller keeps what it must close. No tensor occurs in two parts, and every tensor that the index
// names is where the index says.
func Open(dir string, open func(path string) ([]byte, error)) ([]Part, error) {
	weights, err := readIndex(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return openSingle(dir, open)
	}
	if err != nil {
		return nil, fmt.Errorf("safetensors: %s: %w", indexName, err)
	}
	names := slices.Compact(slices.Sorted(maps.Values(weights)))
	parts, err := openAll(dir, names, open)
	if err != nil {
		return nil, fmt.Errorf("%w (named by %s; is the download complete?)", err, indexName)
	}
	if err := checkParts(parts, weights); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	return parts, nil
}

func openSingle(dir string, open func(path string) ([]byte, error)) ([]Part, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	var names []string
	pickles := false
	for _, e := range entries {
		switch {
		case e.Name() == singleName:
			return openAll(dir, []string{singleName}, open)
		case strings.HasSuffix(e.Name(), ".safetensors"):
			names = append(names, e.Name())
		case strings.HasSuffix(e.Name(), ".bin"):
			pickles = true
		}
	}
	switch {
	case len(names) == 1:
		return openAll(dir, names, open)
	case len(names) > 1:
		return nil, fmt.Errorf("safetensors: %d files (%s, …) but no %s to join them", len(names), names[0], indexName)
	case pickles:
		return nil, errors.New("safetensors: the folder has PyTorch .bin weights only, which are not served " +
			"(convert them: save_pretrained with safe_serialization)")
	}
	return nil, errors.New("safetensors: the folder has no .safetensors file")
}

func openAll(dir string, names []string, open func(path string) ([]byte, error)) ([]Part, error) {
	parts := make([]Part, 0, len(names))
	for _, name := range names {
		path := filepath.Join(dir, name)
		data, err := open(path)
		if err != nil {
			return nil, fmt.Errorf("safetensors: %w", err)
		}
		f, err := Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%w (%s)", err, name)
		}
		parts = append(parts, Part{path, f})
	}
	return parts, nil
}

// readIndex gives the file name of each tensor.
func readIndex(path string) (map[string]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxIndex {
		return nil, fmt.Errorf("%d bytes, want at most %d", info.Size(), maxIndex)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseIndex(b)
}

// parseIndex reads {"weight_map": {tensor: file}}; files must lie in the folder itself.
func parseIndex(b []byte) (map[string]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &index); err != nil {
		return nil, err
	}
	if len(index.WeightMap) == 0 {
		return nil, errors.New("weight_map is missing or empty")
	}
	for tensor, file := range index.WeightMap {
		if !strings.HasSuffix(file, ".safetensors") || strings.ContainsAny(file, `/\:`) {
			return nil, fmt.Errorf("tensor %s is said to be in %s, want a .safetensors file in the same folder",
				printable(tensor), printable(file))
		}
	}
	return index.WeightMap, nil
}

func checkParts(parts []Part, weights map[string]string) error {
	where := map[string]string{}
	for _, p := range parts {
		name := filepath.Base(p.Path)
		for _, t := range p.File.Tensors {
			if other, dup := where[t.Name]; dup {
				return fmt.Errorf("tensor %s is in both %s and %s", printable(t.Name), other, name)
			}
			where[t.Name] = name
		}
	}
	for _, tensor := range slices.Sorted(maps.Keys(weights)) {
		if got := where[tensor]; got != weights[tensor] {
			return fmt.Errorf("tensor %s is not in %s, where %s puts it (parts of different models?)",
				printable(tensor), weights[tensor], indexName)
		}
	}
	return nil
}
