package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/gguf"
)

// Open opens the model at path: a .gguf file (of a split one, any part), or a Hugging Face folder. It reads
// headers, configuration and tokenizer, checks them, and maps the weights. Errors are one line.
func Open(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	c := &Checkpoint{tensors: map[string]entry{}}
	switch {
	case info.IsDir():
		err = c.openFolder(path)
	case strings.HasSuffix(path, ".safetensors"):
		err = fmt.Errorf("%s: a safetensors file alone has no configuration; give the folder that it is in", path)
	default:
		err = c.openGGUF(path)
	}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	for _, m := range c.files {
		m.drop(0, int64(len(m.data))) // the header's pages: the card is a copy
	}
	return c, nil
}

// OpenBytes opens a GGUF file that is in memory, such as an embedded one. b must not be changed afterwards.
func OpenBytes(b []byte) (*Checkpoint, error) {
	c := &Checkpoint{tensors: map[string]entry{}}
	f, err := gguf.Parse(b)
	if err == nil {
		err = c.fromGGUF(f, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

// mapOne maps a file and keeps it for Close.
func (c *Checkpoint) mapOne(path string) (*mapping, error) {
	m, err := mapFile(path)
	if err == nil {
		c.files = append(c.files, m)
	}
	return m, err
}

// openFolder opens a Hugging Face folder, or the only GGUF model in a folder.
func (c *Checkpoint) openFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
		return c.openHF(dir)
	}
	ggufs, err := filepath.Glob(filepath.Join(globQuote(dir), "*.gguf"))
	if err != nil {
		return err
	}
	// Of a split model the first part stands for all.
	ggufs = slices.DeleteFunc(ggufs, func(p string) bool {
		return gguf.IsLaterPart(p)
	})
	switch len(ggufs) {
	case 1:
		return c.openGGUF(ggufs[0])
	case 0:
		return fmt.Errorf("%s: no config.json and no .gguf file (want a GGUF file or a Hugging Face model folder)", dir)
	}
	return fmt.Errorf("%s: %d GGUF models (%s, …); name one of them", dir, len(ggufs), filepath.Base(ggufs[0]))
}

// globQuote makes a folder's name literal in a glob pattern.
func globQuote(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
