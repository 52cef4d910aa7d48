package checkpoint_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Several loaders read, drop and read again the same tensors at once.
func TestTensorsFromSeveralGoroutines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(path, smallGGUF().write(t), 0o644); err != nil {
		t.Fatal(err)
	}
	c := open(t, path)
	var loaders sync.WaitGroup
	for range 4 {
		loaders.Go(func() {
			for _, s := range c.Card().Config.Shapes() {
				w, err := c.Tensor(s.Name)
				if err != nil {
					t.Error(err)
					return
				}
				first := w.Data[5]
				c.Drop(w)
				if w.Data[5] != first {
					t.Errorf("%s reads differently after Drop", s.Name)
				}
			}
		})
	}
	loaders.Wait()
}
