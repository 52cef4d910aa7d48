package synth

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/gguf"
)

// chunk is how many bytes are made at a time, at least a row.
const chunk = 1 << 20

// Write writes the file to dst from front to back. It holds a chunk of it in memory and the vocabulary.
func Write(dst io.Writer, o Options) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	m, err := newMix(o.Type, &cfg)
	if err != nil {
		return err
	}
	if o.Config == nil {
		cfg.Name += "-" + m.name
	}
	file, err := newFile(&cfg, m)
	if err != nil {
		return err
	}
	w := &writer{cfg: &cfg, seed: o.Seed, progress: o.Progress}
	_, w.total = file.Sections()
	out := bufio.NewWriterSize(dst, chunk)
	if err := file.WriteTo(out, w.tensor); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	return nil
}

// WriteFile writes the file at path, under the name path.partial until it is complete. It replaces a file that is
// there.
func WriteFile(path string, o Options) error {
	partial := path + ".partial"
	f, err := os.Create(partial)
	if err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	err = Write(f, o)
	if closing := f.Close(); err == nil && closing != nil {
		err = fmt.Errorf("synth: %w", closing)
	}
	if err == nil {
		err = os.Rename(partial, filepath.Clean(path))
	}
	if err != nil {
		os.Remove(partial) // the first error is the one to tell
	}
	return err
}

// writer makes tensor data.
type writer struct {
	cfg         *checkpoint.Config
	seed        uint64
	progress    func(done, total int64)
	done, total int64
}

// tensor writes the data of one tensor, some rows at a time.
func (w *writer) tensor(dst io.Writer, s gguf.Section) error {
	r := newRandom(w.seed, s.Name)
	cols := int(s.Dims[0])
	mean, std := spread(s.Name, cols)
	b, err := newBlocks(s.Type, r, mean, std)
	if err != nil {
		return err
	}
	size, err := s.Type.RowBytes(cols)
	if err != nil {
		return err
	}
	buf := make([]byte, min(s.Size, int64(size*max(1, chunk/size))))
	for at := int64(0); at < s.Size; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), s.Size-at)]
		b.fill(buf, r)
		if isHead(s.Name, w.cfg) {
			clearRows(buf, size, int(at/int64(size)))
		}
		if err := w.write(dst, buf); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) write(dst io.Writer, b []byte) error {
	if _, err := dst.Write(b); err != nil {
		return err
	}
	w.done += int64(len(b))
	if w.progress != nil {
		w.progress(w.done, w.total)
	}
	return nil
}

// clearRows zeroes the control tokens' rows: the logit of a zero row is 0, which is far from the largest.
func clearRows(buf []byte, size, first int) {
	for id := MinVocab - len(control); id < MinVocab; id++ {
		if at := (id - first) * size; at >= 0 && at < len(buf) {
			clear(buf[at : at+size])
		}
	}
}
