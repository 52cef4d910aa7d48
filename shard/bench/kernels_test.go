package bench

import (
	"context"
	"errors"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

func kernelOptions() KernelOptions {
	return KernelOptions{Types: []quant.Type{quant.Q8_0, quant.F16}, Paths: kernels.Paths()[len(kernels.Paths())-1:],
		Threads: []int{1, 2}, Batches: []int{1, 4}, Memory: 1, Rounds: 1}
}

// TestKernels: every case is there, in order, with numbers that belong together.
func TestKernels(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds and 256 MiB")
	}
	was := kernels.Path()
	r, err := Kernels(context.Background(), kernelOptions())
	if err != nil {
		t.Fatal(err)
	}
	if kernels.Path() != was {
		t.Errorf("the kernels are %s afterwards, were %s", kernels.Path(), was)
	}
	if len(r.Products) != 8 {
		t.Fatalf("%d products, want 8", len(r.Products))
	}
	for i, p := range r.Products {
		want := Product{Type: []string{"Q8_0", "F16"}[i/4], Threads: []int{1, 2}[i/2%2], Batch: []int{1, 4}[i%2]}
		if p.Type != want.Type || p.Threads != want.Threads || p.Batch != want.Batch || p.Path != was {
			t.Errorf("product %d is %+v, want %+v", i, p, want)
		}
		ordered(t, p.Read)
		ordered(t, p.Ops)
		if has := was != "generic"; (p.ReadMax > 0) != has || (p.OpsMax > 0) != has || (p.OfRead > 0) != has || (p.OfOps > 0) != has {
			t.Errorf("product %d has the ceilings %g and %g", i, p.ReadMax, p.OpsMax)
		}
	}
}

func TestKernelsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Kernels(ctx, kernelOptions()); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of the context", err)
	}
}

func TestKernelOptionsRefused(t *testing.T) {
	for name, change := range map[string]func(*KernelOptions){
		"no types":     func(o *KernelOptions) { o.Types = nil },
		"unknown type": func(o *KernelOptions) { o.Types = []quant.Type{99} },
		"no paths":     func(o *KernelOptions) { o.Paths = nil },
		"unknown path": func(o *KernelOptions) { o.Paths = []string{"sse9"} },
		"no rows":      func(o *KernelOptions) { o.Batches = []int{0} },
		"no threads":   func(o *KernelOptions) { o.Threads = nil },
		"no rounds":    func(o *KernelOptions) { o.Rounds = 0 },
	} {
		o := kernelOptions()
		change(&o)
		if _, err := Kernels(context.Background(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
