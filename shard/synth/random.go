package synth

import (
	"encoding/binary"
	"hash/fnv"
	"math"
)

// random is SplitMix64 (Steele, Lea, Flood 2014): a nanosecond for eight bytes, which is faster than disks.
type random uint64

// newRandom gives each tensor a sequence of its own, so that a file with fewer layers has the same first layers.
func newRandom(seed uint64, name string) *random {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], seed)
	h.Write(b[:])
	h.Write([]byte(name))
	r := random(h.Sum64())
	return &r
}

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// bytes fills b, with the bits of mask set in every eight bytes.
func (r *random) bytes(b []byte, mask uint64) {
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, r.next()|mask)
	}
	if len(b) == 0 {
		return
	}
	var last [8]byte
	binary.LittleEndian.PutUint64(last[:], r.next()|mask)
	copy(b, last[:])
}

// uniform gives a value of [-1, 1).
func (r *random) uniform() float64 { return float64(int64(r.next())) / (1 << 63) }

// normal gives a value near the standard normal distribution: the sum of twelve uniform ones (Irwin-Hall), which
// needs no function whose last bit differs between machines.
func (r *random) normal() float64 {
	sum := 0.0
	for range 12 {
		sum += r.uniform() / 2
	}
	return sum
}

// fill writes normal values with a mean and a standard deviation; the second half mirrors the first, so that the
// mean is exact. len(x) is even.
func (r *random) fill(x []float32, mean, std float64) {
	for i := range len(x) / 2 {
		d := math.Round(r.normal()*std*(1<<40)) / (1 << 40) // rounded, so that no fused multiply-add differs
		x[i], x[i+len(x)/2] = float32(mean+d), float32(mean-d)
	}
}
