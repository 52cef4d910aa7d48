package sample

import (
	"math"
	"slices"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// ranking is the order of the candidates, logit descending, id ascending, of which only as much is sorted as is
// looked at: the candidates are collected in bands below the largest logit, each sorted when it is reached. Most draws
// end in the first band, which holds a few tokens of 150,000.
type ranking struct {
	logits []float32
	max    float32
	temp   float64
	inv    float64  // 1/temp
	keys   []uint64 // ranked so far
	low    float32  // every logit of at least this is ranked
	reach  float64  // low is this many temperatures below max
	other  []uint64 // memory to sort in
}

const firstBand = 4 // temperatures: e^-4 is a weight of 2%

// start begins the ranking of logits, the largest of which is max and finite, at a temperature of minTemperature or more.
func (r *ranking) start(logits []float32, max float32, temp float64) {
	r.logits, r.max, r.temp, r.inv = logits, max, temp, 1/temp
	r.keys = r.keys[:0]
	r.low, r.reach = float32(math.Inf(1)), firstBand
}

// has reports whether there is a candidate i, and ranks it. A logit of -Inf is no candidate.
func (r *ranking) has(i int) bool {
	for i >= len(r.keys) && r.low > negInf {
		r.band()
	}
	return i < len(r.keys)
}

// stride is how many logits are looked at one by one from where the next of a band was found.
const stride = 128

// band ranks the next band. The last ends at -Inf.
func (r *ranking) band() {
	high := r.low
	r.low = float32(float64(r.max) - float64(r.reach*r.temp))
	r.reach *= 2
	if r.low == high { // the temperature is below the logits' resolution
		return
	}
	start := len(r.keys)
	for at := 0; at < len(r.logits); at += stride {
		at += kernels.IndexAtLeast(r.logits[at:], r.low)
		for id := at; id < min(at+stride, len(r.logits)); id++ {
			if l := r.logits[id]; l >= r.low && l < high && l != negInf {
				r.keys = append(r.keys, key(l, int32(id)))
			}
		}
	}
	r.sort(r.keys[start:])
}

// id returns candidate i, which must be ranked.
func (r *ranking) id(i int) int32 { return int32(uint32(r.keys[i])) }

// weight returns exp((l - max)·(1/temperature)) of candidate i, which must be ranked.
func (r *ranking) weight(i int) float64 {
	id := r.id(i)
	return kernels.SumExp(r.logits[id:id+1], float64(r.max), r.inv)
}

// total sums the weights of all, by ascending id.
func (r *ranking) total() float64 { return kernels.SumExp(r.logits, float64(r.max), r.inv) }

// key orders candidates by logit descending, id ascending, when keys ascend. Both zeros are one value.
func key(l float32, id int32) uint64 {
	bits := math.Float32bits(l + 0) // -0 + 0 = +0
	if bits>>31 == 0 {
		bits = ^bits &^ (1 << 31)
	}
	return uint64(bits)<<32 | uint64(uint32(id))
}

// radixFrom is how many keys it takes for a radix sort to be worth its counters.
const radixFrom = 1 << 12

// sort sorts keys whose ids already ascend.
func (r *ranking) sort(keys []uint64) {
	if len(keys) < radixFrom {
		slices.Sort(keys)
		return
	}
	if cap(r.other) < len(keys) {
		r.other = make([]uint64, len(keys), cap(r.keys))
	}
	radixSort(keys, r.other[:len(keys)])
}

// radixSort sorts keys by their upper 32 bits and keeps the order of equals. other has the same length.
func radixSort(keys, other []uint64) {
	from, to := keys, other
	for shift := 32; shift < 64; shift += 8 {
		var at [256]int
		for _, k := range from {
			at[byte(k>>shift)]++
		}
		sum := 0
		for i, n := range at {
			at[i] = sum
			sum += n
		}
		for _, k := range from {
			b := byte(k >> shift)
			to[at[b]] = k
			at[b]++
		}
		from, to = to, from
	}
}
