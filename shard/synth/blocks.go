package synth

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/stagecoach-llm/stagecoach/shard/quant"
)

// blocks writes random blocks of one type with mean 0 and a standard deviation.
type blocks struct {
	quants  span     // random bytes; the rest of a block, its scales and mins, is copied from a sample
	mask    uint64   // bits that are set in the random bytes
	samples [][]byte // blocks of quantised noise
	values  []uint64 // instead of samples for a float type: bits of normal values
	width   int      // of a value in bytes
}

// span is a range of bytes in a block.
type span struct{ from, to int }

// quants tells where the types keep quants, of which any value is valid.
var quants = map[quant.Type]span{
	quant.Q4_0: {2, 18}, quant.Q4_1: {4, 20}, quant.Q5_0: {2, 22}, quant.Q5_1: {4, 24}, quant.Q8_0: {2, 34},
	quant.Q2_K: {16, 80}, quant.Q3_K: {0, 96}, quant.Q4_K: {16, 144}, quant.Q5_K: {16, 176}, quant.Q6_K: {0, 192},
	quant.IQ4_NL: {2, 18}, quant.IQ4_XS: {8, 136},
}

const (
	blockSamples = 64   // a power of two
	floatSamples = 4096 // a power of two
)

// newBlocks makes the samples for values with the mean (which quantised types do not have) and deviation.
func newBlocks(t quant.Type, r *random, mean, std float64) (*blocks, error) {
	if t.Scheme() == (quant.Scheme{}) {
		return newFloats(t, r, mean, std)
	}
	b := &blocks{quants: quants[t]}
	if t == quant.Q8_0 {
		b.mask = 0x0101010101010101 // -128 is not a value that quantisers write
	}
	// Random quants spread wider than those of the noise that the scales were fitted to; measure, and fit again.
	seed := *r
	if err := b.sample(t, r, std); err != nil {
		return nil, err
	}
	got, err := b.deviation(t, r)
	if err != nil {
		return nil, err
	}
	*r = seed
	return b, b.sample(t, r, std*std/got)
}

func newFloats(t quant.Type, r *random, mean, std float64) (*blocks, error) {
	_, size := t.Block()
	x := make([]float32, floatSamples)
	r.fill(x, mean, std)
	all := make([]byte, floatSamples*size)
	if err := quant.Quantize(t, all, x); err != nil {
		return nil, fmt.Errorf("synth: %w", err)
	}
	b := &blocks{values: make([]uint64, floatSamples), width: size}
	for i, v := range cut(all, size) {
		for k := range v {
			b.values[i] |= uint64(v[k]) << (8 * k)
		}
	}
	return b, nil
}

// sample replaces the samples with quantised noise.
func (b *blocks) sample(t quant.Type, r *random, std float64) error {
	elems, size := t.Block()
	x := make([]float32, blockSamples*elems)
	r.fill(x, 0, std)
	all := make([]byte, blockSamples*size)
	if err := quant.Quantize(t, all, x); err != nil {
		return fmt.Errorf("synth: %w", err)
	}
	b.samples = cut(all, size)
	return nil
}

// deviation is the standard deviation around 0 of what fill writes.
func (b *blocks) deviation(t quant.Type, r *random) (float64, error) {
	elems, size := t.Block()
	raw := make([]byte, 4*blockSamples*size)
	b.fill(raw, r)
	x := make([]float32, 4*blockSamples*elems)
	if err := quant.Dequantize(t, x, raw); err != nil {
		return 0, fmt.Errorf("synth: %w", err)
	}
	sum := 0.0
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return math.Sqrt(sum / float64(len(x))), nil
}

// fill writes whole blocks.
func (b *blocks) fill(dst []byte, r *random) {
	if b.values != nil {
		b.fillFloats(dst, r)
		return
	}
	size := len(b.samples[0])
	for ; len(dst) > 0; dst = dst[size:] {
		copy(dst[:size], b.samples[r.next()%blockSamples])
		r.bytes(dst[b.quants.from:b.quants.to], b.mask)
	}
}

// fillFloats picks one of the values for each element, by twelve random bits.
func (b *blocks) fillFloats(dst []byte, r *random) {
	var word [8]byte
	for len(dst) > 0 {
		bits, v := r.next(), uint64(0)
		for at := 0; at < 64; at += 8 * b.width {
			v |= b.values[bits%floatSamples] << at
			bits >>= 12
		}
		binary.LittleEndian.PutUint64(word[:], v)
		dst = dst[copy(dst, word[:]):]
	}
}

// cut gives the pieces of size bytes that b consists of.
func cut(b []byte, size int) [][]byte {
	out := make([][]byte, 0, len(b)/size)
	for ; len(b) > 0; b = b[size:] {
		out = append(out, b[:size:size])
	}
	return out
}
