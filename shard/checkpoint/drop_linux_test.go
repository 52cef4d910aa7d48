package checkpoint_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
)

// resident is the memory in kB that the mapping of a file has in this process.
func resident(t *testing.T, path string) int {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	kb, inside := 0, false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if field, _, _ := strings.Cut(line, " "); !strings.HasSuffix(field, ":") {
			inside = strings.HasSuffix(line, path) // the first line of a mapping
			continue
		}
		var n int
		if _, err := fmt.Sscanf(line, "Rss: %d kB", &n); err == nil && inside {
			kb += n
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return kb
}

// Dropping a tensor gives its memory back and loses nothing, neither its own values nor its neighbours'.
func TestDropReturnsMemory(t *testing.T) {
	cfg := small
	cfg.Hidden, cfg.FFN, cfg.HeadDim = 512, 512, 256
	m := smallGGUF()
	m.shapes = cfg.Shapes()
	m.set("qwen2.embedding_length", uint32(cfg.Hidden))
	m.set("qwen2.feed_forward_length", uint32(cfg.FFN))
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(path, m.write(t), 0o644); err != nil {
		t.Fatal(err)
	}
	c := open(t, path)
	if kb := resident(t, path); kb != 0 {
		t.Errorf("opening leaves %d kB in memory", kb)
	}
	for _, s := range cfg.Shapes() {
		touch(t, c, s.Name)
	}
	full := resident(t, path)
	dropped := 0
	for _, name := range []string{"blk.0.ffn_up.weight", "blk.1.attn_q.weight", "blk.1.attn_norm.weight"} {
		w, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		c.Drop(w)
		dropped += len(w.Data) / 1024
	}
	after := resident(t, path)
	const pages = 3 * 8                             // at each end of a tensor a page may stay
	if gone := full - after; gone < dropped-pages { // more where the system maps large pages
		t.Errorf("%d kB of %d were given back, want %d less at most %d", gone, full, dropped, pages)
	}
	for _, s := range cfg.Shapes() {
		if x := touch(t, c, s.Name); x != value(s.Name, 77) {
			t.Errorf("read again, %s[77] is %g, want %g", s.Name, x, value(s.Name, 77))
		}
	}
}

// touch reads a tensor and gives its element 77.
func touch(t *testing.T, c *checkpoint.Checkpoint, name string) float32 {
	t.Helper()
	return widen(t, c, name)[77]
}
