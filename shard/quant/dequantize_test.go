package quant

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// scaleFields are the offsets of the f16 fields in each block.
var scaleFields = map[Type][]int{
	Q8_0: {0}, Q4_0: {0}, Q4_1: {0, 2}, Q5_0: {0}, Q5_1: {0, 2}, Q2_K: {80, 82}, Q3_K: {108},
	Q4_K: {0, 2}, Q5_K: {0, 2}, Q6_K: {208}, IQ4_NL: {0}, IQ4_XS: {0},
}

// randomBlock gives a block of random bytes whose f16 fields are finite, of any magnitude down to subnormals.
func randomBlock(r *rand.Rand, t Type) []byte {
	_, size := t.Block()
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	for _, at := range scaleFields[t] {
		h := uint16(r.Uint32())
		if h&0x7c00 == 0x7c00 {
			h &^= 0x4000
		}
		binary.LittleEndian.PutUint16(b[at:], h)
	}
	return b
}

// round1 gives scale*q - min rounded once to float32.
func round1(x term) float32 {
	exact := func(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }
	p := new(big.Float).SetPrec(300).Mul(exact(x.scale), exact(x.q))
	f, _ := p.Sub(p, exact(x.min)).Float32()
	return f
}

func TestDequantizeEqualsGGML(t *testing.T) {
	for typ, ref := range references {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 1))
			elems, _ := typ.Block()
			got := make([]float32, elems)
			for range 60 {
				b := randomBlock(r, typ)
				if err := Dequantize(typ, got, b); err != nil {
					t.Fatal(err)
				}
				for i, want := range ref(b) {
					if got[i] != round1(want) {
						t.Fatalf("element %d is %g, want %g (%+v)", i, got[i], round1(want), want)
					}
				}
			}
		})
	}
}

func TestUnpackIsExact(t *testing.T) {
	for typ, ref := range references {
		t.Run(typ.String(), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(typ), 2))
			elems, _ := typ.Block()
			subs := make([]Sub, 2*elems/32)
			for i := range subs { // what was there before must not show through
				subs[i] = Sub{WS: [2]float32{9, 9}, WM: [2]float32{9, 9}}
				for k := range subs[i].Q {
					subs[i].Q[k] = -1
				}
			}
			for range 60 {
				src := append(randomBlock(r, typ), randomBlock(r, typ)...)
				if err := Unpack(typ, subs, src); err != nil {
					t.Fatal(err)
				}
				want := append(ref(src[:len(src)/2]), ref(src[len(src)/2:])...)
				for i, w := range want {
					s := &subs[i/32]
					ws, q, wm := float64(s.WS[i%32/16]), float64(s.Q[i%32]), float64(s.WM[i%32/16])
					if ws != w.scale || q != w.q || wm != w.min {
						t.Fatalf("element %d is %g*%g-%g, want %+v", i, ws, q, wm, w)
					}
				}
				checkScheme(t, typ, subs)
			}
		})
	}
}

// checkScheme: formats with one scale or min repeat it, those without mins have zeros.
func checkScheme(t *testing.T, typ Type, subs []Sub) {
	t.Helper()
	scheme := typ.Scheme()
	for _, s := range subs {
		if scheme.Scales == 1 && s.WS[0] != s.WS[1] || scheme.Mins == 1 && s.WM[0] != s.WM[1] ||
			scheme.Mins == 0 && s.WM != [2]float32{} {
			t.Fatalf("scales %v, mins %v do not fit %+v", s.WS, s.WM, scheme)
		}
	}
}

// The claim of the package comment: scale, min and product fit float32's 24 bits, for the widest f16.
func TestProductsAreExact(t *testing.T) {
	const widest = 2047 // 11 bits
	for _, c := range []struct {
		typ   Type
		sc, q int // largest absolute values
	}{
		{Q8_0, 1, 128}, {Q5_1, 1, 31}, {Q2_K, 15, 3}, {Q3_K, 32, 4}, {Q5_K, 63, 31}, {Q6_K, 128, 32}, {IQ4_XS, 32, 127},
	} {
		for sc := range c.sc + 1 {
			for q := range c.q + 1 {
				exact := widest * sc * q
				if got := float32(float32(widest*sc) * float32(q)); int(got) != exact {
					t.Fatalf("%v: %d*%d*%d = %d, float32 says %g", c.typ, widest, sc, q, exact, got)
				}
			}
		}
	}
}

func TestFloats(t *testing.T) {
	for _, c := range []struct {
		typ  Type
		src  []byte
		want []float32
	}{
		{F32, []byte{0, 0, 0x80, 0x3f, 1, 0, 0, 0}, []float32{1, math.SmallestNonzeroFloat32}},
		{F16, []byte{0, 0x3c, 1, 0, 0xff, 0xfb}, []float32{1, 0x1p-24, -65504}},
		{BF16, []byte{0x80, 0x3f, 0x49, 0xc0}, []float32{1, -3.140625}},
	} {
		got := make([]float32, len(c.want))
		if err := Dequantize(c.typ, got, c.src); err != nil {
			t.Fatal(err)
		}
		back := make([]byte, len(c.src))
		if err := Quantize(c.typ, back, got); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%v: element %d is %g, want %g", c.typ, i, got[i], c.want[i])
			}
		}
		if string(back) != string(c.src) {
			t.Errorf("%v: came back as %x, want %x", c.typ, back, c.src)
		}
	}
}

func TestLengthsAreChecked(t *testing.T) {
	for _, c := range []struct {
		typ         Type
		elems, size int
	}{
		{Q4_K, 256, 143}, {Q4_K, 255, 144}, {Q4_K, 512, 144}, {Q8_0, 0, 34}, {F32, 2, 4}, {Type(16), 256, 66}, {Type(99), 1, 1},
	} {
		if Dequantize(c.typ, make([]float32, c.elems), make([]byte, c.size)) == nil {
			t.Errorf("Dequantize(%v, %d elements, %d bytes) did not fail", c.typ, c.elems, c.size)
		}
		if Quantize(c.typ, make([]byte, c.size), make([]float32, c.elems)) == nil {
			t.Errorf("Quantize(%v, %d bytes, %d elements) did not fail", c.typ, c.size, c.elems)
		}
	}
	for typ, n := range map[Type]int{F32: 1, F16: 1, BF16: 1, Q4_K: 7, Q8_0: 2, 16: 8} {
		_, size := typ.Block()
		if Unpack(typ, make([]Sub, n), make([]byte, size)) == nil {
			t.Errorf("Unpack(%v, %d sub-blocks, %d bytes) did not fail", typ, n, size)
		}
	}
}

func TestEveryTypeIsComplete(t *testing.T) {
	for typ, l := range layouts {
		block := l.elems > 1
		if (blockUnpackers[typ] != nil) != block || (blockQuantizers[typ] != nil) != block ||
			(references[typ] != nil) != block || (typ.Scheme().Scales > 0) != block {
			t.Errorf("%v lacks an unpacker, a quantiser, a reference or a scheme", typ)
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	for typ := range references {
		b.Run(typ.String(), func(b *testing.B) {
			elems, size := typ.Block()
			n := 4096 / elems
			src, dst := make([]byte, n*size), make([]float32, 4096)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				if err := Dequantize(typ, dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
