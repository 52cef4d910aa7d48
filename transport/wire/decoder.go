package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// decoder reads the primitives of a descriptor. The first error sticks; reads after it return zero values, so
// that callers check once per item.
type decoder struct {
	b   []byte // the descriptor
	off int
	err error
}

func (d *decoder) left() int { return len(d.b) - d.off }

// fail records err for what, read at the current byte.
func (d *decoder) fail(what string, err error) {
	if d.err == nil {
		d.err = fmt.Errorf("%s at byte %d: %w", what, HeaderSize+d.off, err)
	}
}

// take returns the next n bytes, which alias the message, or nil.
func (d *decoder) take(n int, what string) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > d.left() {
		d.fail(what, ErrShort)
		return nil
	}
	d.off += n
	return d.b[d.off-n : d.off]
}

func (d *decoder) u8(what string) uint8 {
	if b := d.take(1, what); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) u32(what string) uint32 {
	if b := d.take(4, what); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) u64(what string) uint64 {
	if b := d.take(8, what); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) f32(what string) float32 { return math.Float32frombits(d.u32(what)) }
func (d *decoder) f64(what string) float64 { return math.Float64frombits(d.u64(what)) }

func (d *decoder) uvar(what string) uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.b[d.off:])
	switch {
	case n == 0:
		d.fail(what, ErrShort)
		return 0
	case n < 0:
		d.fail(what, fmt.Errorf("varint above 64 bits: %w", ErrMalformed))
		return 0
	case n > 1 && d.b[d.off+n-1] == 0:
		d.fail(what, fmt.Errorf("varint not in its shortest form: %w", ErrMalformed))
		return 0
	}
	d.off += n
	return v
}

// uvar32 is a uvar that must fit 32 bits.
func (d *decoder) uvar32(what string) uint32 {
	v := d.uvar(what)
	if v > math.MaxUint32 {
		d.fail(what, fmt.Errorf("%d does not fit 32 bits: %w", v, ErrMalformed))
		return 0
	}
	return uint32(v)
}

func (d *decoder) svar(what string) int64 {
	v := d.uvar(what)
	return int64(v>>1) ^ -int64(v&1)
}

// svar32 is an svar that must fit 32 bits.
func (d *decoder) svar32(what string) int32 {
	v := d.svar(what)
	if v != int64(int32(v)) {
		d.fail(what, fmt.Errorf("%d does not fit 32 bits: %w", v, ErrMalformed))
		return 0
	}
	return int32(v)
}

// count reads the number of items that follow, each of which takes at least size bytes: a count that the
// message cannot hold is refused before anything is allocated for it.
func (d *decoder) count(size, limit int, what string) int {
	n := d.uvar(what)
	switch {
	case d.err != nil:
		return 0
	case n > uint64(limit):
		d.fail(what, fmt.Errorf("%d items, at most %d: %w", n, limit, ErrTooLarge))
		return 0
	case n > uint64(d.left()/size):
		d.fail(what, fmt.Errorf("%d items in %d bytes: %w", n, d.left(), ErrShort))
		return 0
	}
	return int(n)
}

// ints reads a list of int32 into dst's memory.
func (d *decoder) ints(dst []int32, what string) []int32 {
	n := d.count(4, math.MaxInt32, what)
	b := d.take(4*n, what)
	if b == nil {
		return dst[:0]
	}
	dst = resize(dst, n)
	for i := range dst {
		dst[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return dst
}

// text reads a string; old is returned instead of a copy when it is the same, as ids are from step to step.
func (d *decoder) text(old, what string) string {
	n := d.count(1, math.MaxInt32, what)
	b := d.take(n, what)
	if string(b) == old {
		return old
	}
	return string(b)
}

// end refuses what is left over.
func (d *decoder) end() {
	if d.err == nil && d.left() != 0 {
		d.fail("end of descriptor", ErrTrailing)
	}
}

// resize returns s with n elements. Elements within the old capacity keep their contents, whose memory the
// caller reuses.
func resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	return slices.Grow(s[:cap(s)], n-cap(s))[:n]
}
