package sample

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

func TestRadixSortIsStable(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 20 {
		keys := make([]uint64, radixFrom+r.IntN(3000))
		for i := range keys {
			keys[i] = uint64(r.Uint32()>>r.IntN(32))<<32 | uint64(i)
		}
		want := slices.Clone(keys)
		slices.Sort(want)
		radixSort(keys, make([]uint64, len(keys)))
		if !slices.Equal(keys, want) {
			t.Fatal("not sorted")
		}
	}
}

// FuzzRanking: the lazy order is the order of the keys, at any temperature.
func FuzzRanking(f *testing.F) {
	f.Add(uint64(1), 100, 1.0)
	f.Add(uint64(2), 9000, 1e-30)
	f.Add(uint64(3), 5000, 1e6)
	f.Fuzz(func(t *testing.T, seed uint64, n int, temp float64) {
		if n < 1 || n > 20000 || !(temp >= minTemperature) || temp > 1e6 {
			t.Skip()
		}
		logits := randomLogits(rand.New(rand.NewPCG(seed, 0)), n)
		_, max, _ := kernels.Largest(logits)
		var want []uint64
		for id, l := range logits {
			if l != negInf {
				want = append(want, key(l, int32(id)))
			}
		}
		slices.Sort(want)
		var r ranking
		r.start(logits, max, temp)
		for i := range want {
			if !r.has(i) || r.keys[i] != want[i] {
				t.Fatalf("candidate %d of %d differs", i, len(want))
			}
		}
		if r.has(len(want)) {
			t.Fatal("more candidates than tokens")
		}
	})
}
