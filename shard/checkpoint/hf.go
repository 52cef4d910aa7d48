package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
	"github.com/stagecoach-llm/stagecoach/shard/safetensors"
)

// openHF maps and reads a Hugging Face model folder.
func (c *Checkpoint) openHF(dir string) error {
	if err := c.fromHF(dir); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

// fromHF checks the configuration and the tensors' shapes before it builds the tokenizer, whose size is the
// configuration's word.
func (c *Checkpoint) fromHF(dir string) error {
	var raw hfConfig
	if err := readJSON(dir, "config.json", &raw); err != nil {
		return err
	}
	cfg, err := raw.config()
	if err == nil {
		err = cfg.Check()
	}
	if err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	if err := c.addHFTensors(dir); err != nil {
		return err
	}
	cfg.Tied = c.tieHF(raw.Tied)
	if err := checkTensors(&cfg, c.tensors); err != nil {
		return err
	}
	card, err := hfCard(dir, cfg, &raw)
	if err != nil {
		return err
	}
	c.card = *card
	return c.fillIn()
}

// tieHF decides whether the head is the embedding, and forgets a head that is in the file though it is tied: it
// is a copy. Without a word in config.json, a missing head means tied.
func (c *Checkpoint) tieHF(said *bool) bool {
	_, has := c.tensors[head]
	tied := !has
	if said != nil {
		tied = *said
	}
	if tied {
		delete(c.tensors, head)
	}
	return tied
}

func (c *Checkpoint) addHFTensors(dir string) error {
	parts, err := safetensors.Open(dir, func(p string) ([]byte, error) {
		m, err := c.mapOne(p)
		if err != nil {
			return nil, err
		}
		return m.data, nil
	})
	if err != nil {
		return err
	}
	for n, p := range parts {
		for i := range p.File.Tensors {
			if err := c.addHFTensor(&p.File.Tensors[i], n); err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(p.Path), err)
			}
		}
	}
	return nil
}

// addHFTensor adds a tensor of the file with index file under its canonical name.
func (c *Checkpoint) addHFTensor(t *safetensors.Tensor, file int) error {
	name, keep, err := canonicalName(t.Name)
	if err != nil || !keep {
		return err
	}
	typ, ok := map[safetensors.DType]quant.Type{
		safetensors.F32: quant.F32, safetensors.F16: quant.F16, safetensors.BF16: quant.BF16,
	}[t.DType]
	if !ok {
		return fmt.Errorf("tensor %s: dtype %s is not served (served: F32, F16, BF16; take the unquantised weights, "+
			"or a GGUF file)", t.Name, t.DType)
	}
	e := entry{file: file, offset: t.Offset, vector: len(t.Shape) == 1}
	e.Name, e.Type, e.Data, e.Rows = name, typ, t.Data, 1
	switch len(t.Shape) {
	case 1:
		e.Cols = int(t.Shape[0])
	case 2:
		e.Rows, e.Cols = int(t.Shape[0]), int(t.Shape[1])
	default:
		return fmt.Errorf("tensor %s: shape %v, want one or two dimensions", t.Name, t.Shape)
	}
	if _, dup := c.tensors[name]; dup {
		return fmt.Errorf("tensor %s occurs twice, with and without the prefix \"model.\"", t.Name)
	}
	c.tensors[name] = e
	return nil
}

// maxJSON bounds the folder's JSON and template files; the largest, tokenizer.json, has some 10 MB.
const maxJSON = 256 << 20

// readJSON decodes a required file of the folder.
func readJSON(dir, name string, to any) error {
	b, err := readFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing (is the download complete?)", name)
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// readOptionalJSON leaves to as it is where the file is missing.
func readOptionalJSON(dir, name string, to any) error {
	if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return readJSON(dir, name, to)
}

func readFile(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxJSON {
		return nil, fmt.Errorf("%s is not a file of at most %d bytes", name, maxJSON)
	}
	b, err := os.ReadFile(path)
	if err == nil && bytes.HasPrefix(b, []byte("version https://git-lfs")) {
		err = fmt.Errorf("%s is a Git LFS pointer, not the file itself (fetch it with: git lfs pull)", name)
	}
	return b, err
}
