package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/*.hex")

// codec is one of the three message families behind one face, so that every property is tested for each.
type codec struct {
	name    string
	random  func(*rand.Rand) any
	fresh   func() any
	appendP func([]byte, any) ([]byte, error)
	parse   func([]byte, any) error
}

var codecs = []codec{
	{"frame", func(r *rand.Rand) any { return randFrame(r) }, func() any { return new(Frame) },
		func(b []byte, m any) ([]byte, error) { return AppendFrame(b, m.(*Frame)) },
		func(b []byte, m any) error { return ParseFrame(b, m.(*Frame)) }},
	{"sampled", func(r *rand.Rand) any { return randSampled(r) }, func() any { return new(Sampled) },
		func(b []byte, m any) ([]byte, error) { return AppendSampled(b, m.(*Sampled)) },
		func(b []byte, m any) error { return ParseSampled(b, m.(*Sampled)) }},
	{"delta", func(r *rand.Rand) any { return randDelta(r) }, func() any { return new(Delta) },
		func(b []byte, m any) ([]byte, error) { return AppendDelta(b, m.(*Delta)) },
		func(b []byte, m any) error { return ParseDelta(b, m.(*Delta)) }},
}

// plain prints a message with nil and empty slices alike.
func plain(m any) string {
	return strings.ReplaceAll(printed(reflect.ValueOf(m)), "<nil>", "[]")
}

func printed(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "<none>"
		}
		return printed(v.Elem())
	case reflect.Struct:
		var b strings.Builder
		for i := range v.NumField() {
			fmt.Fprintf(&b, "%s:%s ", v.Type().Field(i).Name, printed(v.Field(i)))
		}
		return "{" + b.String() + "}"
	case reflect.Slice:
		var b strings.Builder
		for i := range v.Len() {
			b.WriteString(printed(v.Index(i)) + ",")
		}
		return "[" + b.String() + "]"
	case reflect.Float32, reflect.Float64:
		return fmt.Sprintf("%x", math.Float64bits(v.Float()))
	}
	return fmt.Sprintf("%q", fmt.Sprint(v.Interface()))
}

func TestRoundTripIntoReusedMemory(t *testing.T) {
	for _, c := range codecs {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			reused, buf := c.fresh(), []byte("prefix")
			for i := range 2000 {
				want := c.random(r)
				b, err := c.appendP(buf[:6], want)
				if err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				if string(b[:6]) != "prefix" {
					t.Fatal("append touched what was there")
				}
				buf = b
				if err := c.parse(b[6:], reused); err != nil {
					t.Fatalf("message %d: %v\n%s", i, err, plain(want))
				}
				if got, want := plain(reused), plain(want); got != want {
					t.Fatalf("message %d:\n got %s\nwant %s", i, got, want)
				}
				again, err := c.appendP(nil, reused)
				if err != nil || !bytes.Equal(again, b[6:]) {
					t.Fatalf("message %d is not canonical: %v", i, err)
				}
			}
		})
	}
}

func TestTruncatedAtEachByte(t *testing.T) {
	for _, c := range codecs {
		for name, b := range examples(t, c.name) {
			for n := range b {
				if err := c.parse(b[:n:n], c.fresh()); !errors.Is(err, ErrShort) {
					t.Fatalf("%s cut to %d of %d bytes: %v", name, n, len(b), err)
				}
			}
			if err := c.parse(append(bytes.Clone(b), 0), c.fresh()); !errors.Is(err, ErrTrailing) {
				t.Fatalf("%s with a byte more: %v", name, err)
			}
		}
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	for _, c := range codecs {
		for name, b := range examples(t, c.name) {
			for bit := range 8 * len(b) {
				b[bit/8] ^= 1 << (bit % 8)
				err := c.parse(b, c.fresh())
				if !flipFound(bit/8, err) {
					t.Fatalf("%s: bit %d of byte %d: %v", name, bit%8, bit/8, err)
				}
				b[bit/8] ^= 1 << (bit % 8)
			}
		}
	}
}

// flipFound tells whether err is what a damaged byte at i should give.
func flipFound(i int, err error) bool {
	switch {
	case i < 4:
		return errors.Is(err, ErrMagic)
	case i < 6:
		return errors.Is(err, ErrVersion)
	case i >= offDesc && i < offCRC:
		return errors.Is(err, ErrShort) || errors.Is(err, ErrTrailing)
	}
	return errors.Is(err, ErrChecksum)
}

// examples are the messages of the goldens of one family.
func examples(t testing.TB, family string) map[string][]byte {
	t.Helper()
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	switch family {
	case "frame":
		return map[string][]byte{"step_open": must(AppendFrame(nil, openStep())), "step_guided": must(AppendFrame(nil, guidedStep())),
			"activations_decode": must(AppendFrame(nil, decodeFrame(2, 3))),
			"step_empty":         must(AppendFrame(nil, &Frame{}))}
	case "sampled":
		return map[string][]byte{"sampled": must(AppendSampled(nil, sampledExample())), "sampled_tops": must(AppendSampled(nil, scoredExample()))}
	default:
		return map[string][]byte{"delta": must(AppendDelta(nil, deltaExample())), "delta_scores": must(AppendDelta(nil, scoresExample()))}
	}
}

func TestGolden(t *testing.T) {
	for _, c := range codecs {
		for name, b := range examples(t, c.name) {
			path := filepath.Join("testdata", name+".hex")
			if *update {
				if err := os.WriteFile(path, []byte(hex.Dump(b)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := hex.Dump(b); got != string(want) {
				t.Errorf("%s: the wire form changed (a new Version is due):\ngot\n%swant\n%s", name, got, want)
			}
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	wide := decodeFrame(2, 3)
	wide.Width = 4
	few := decodeFrame(2, 3)
	few.Entries = few.Entries[:1]
	half := decodeFrame(2, 3)
	half.DType = F16
	bodied := &Frame{Body: []byte{1}}
	big := decodeFrame(1, MaxMessage/4)
	cases := []struct {
		name string
		f    *Frame
		want error
	}{
		{"body of another size", wide, ErrMalformed},
		{"tokens and rows differ", few, ErrMalformed},
		{"reserved dtype", half, ErrMalformed},
		{"body without rows", bodied, ErrMalformed},
		{"negative rows", &Frame{Rows: -1}, ErrMalformed},
		{"message too large", big, ErrTooLarge},
		{"entries", &Frame{Entries: make([]Entry, MaxEntries+1)}, ErrTooLarge},
		{"ops", &Frame{Entries: []Entry{{Ops: make([]Op, MaxOps+1)}}}, ErrTooLarge},
		{"timings", &Frame{Timings: make([]Timing, MaxTimings+1)}, ErrTooLarge},
		{"want", &Frame{Entries: []Entry{{Want: WantFailed + 1}}}, ErrMalformed},
		{"op kind", &Frame{Entries: []Entry{{Ops: []Op{{Kind: 9}}}}}, ErrMalformed},
		{"grammar", &Frame{Entries: []Entry{{Ops: []Op{{Kind: OpOpen, Params: &Params{Grammar: strings.Repeat("x", MaxGrammar+1)}}}}}}, ErrTooLarge},
		{"int field", &Frame{Entries: []Entry{{Ops: []Op{{Kind: OpOpen, Params: &Params{TopK: 1 << 40}}}}}}, ErrTooLarge},
	}
	for _, c := range cases {
		b, err := AppendFrame([]byte("x"), c.f)
		if !errors.Is(err, c.want) || string(b) != "x" {
			t.Errorf("%s: %q, %v", c.name, b, err)
		}
	}
	if _, err := AppendSampled(nil, &Sampled{Items: make([]SampledItem, MaxEntries+1)}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	if _, err := AppendDelta(nil, &Delta{Items: make([]DeltaItem, MaxEntries+1)}); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// seal gives a hand-made message lengths and checksum.
func seal(h header, desc, body []byte) []byte {
	b := append(append(begin(nil), desc...), body...)
	h.body = len(body)
	b, _ = finish(b, 0, &h)
	return b
}

func TestParseRefuses(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<62)
	entry := func(tail ...byte) []byte { return append([]byte{9, 0}, tail...) }
	cases := []struct {
		name string
		m    []byte
		want error
		say  string
	}{
		{"count without bytes", seal(header{kind: KindStep, entries: 1}, append(entry(huge...), 0, 0, 0, 0, 0, 0), nil), ErrTooLarge, "entry 0: tokens"},
		{"count above the bytes", seal(header{kind: KindStep, entries: 1}, entry(200, 1, 0, 0, 0, 0, 0), nil), ErrShort, "200 items in 5 bytes"},
		{"entries without bytes", seal(header{kind: KindStep, entries: 65535}, []byte{0}, nil), ErrShort, "65535 entries"},
		{"long varint", seal(header{kind: KindStep, entries: 1}, append(bytes.Repeat([]byte{0xff}, 10), 0, 0, 0, 0, 0, 0, 0), nil), ErrMalformed, "seq"},
		{"padded varint", seal(header{kind: KindStep}, []byte{0x80, 0x00}, nil), ErrMalformed, "shortest"},
		{"want", seal(header{kind: KindStep, entries: 1}, entry(0, 7, 0, 0, 0), nil), ErrMalformed, "want"},
		{"op", seal(header{kind: KindStep, entries: 1}, entry(0, 0, 0, 1, 77, 0), nil), ErrMalformed, "op kind"},
		{"params form", seal(header{kind: KindStep, entries: 1}, entry(0, 0, 0, 1, 1, 9), nil), ErrVersion, "params form"},
		{"left over", seal(header{kind: KindStep}, []byte{0, 0}, nil), ErrTrailing, "end of descriptor"},
		{"dtype", seal(header{kind: KindActivations, dtype: Q8, rows: 1, width: 1}, []byte{0}, make([]byte, 4)), ErrMalformed, "dtype 2"},
		{"step with width", seal(header{kind: KindStep, width: 4}, []byte{0}, nil), ErrMalformed, "width 4"},
		{"step with body", seal(header{kind: KindStep}, []byte{0}, []byte{1}), ErrMalformed, "body of 1"},
		{"rows overflow", seal(header{kind: KindActivations, rows: 1 << 31, width: 1 << 31}, []byte{0}, make([]byte, 4)), ErrMalformed, "rows"},
		{"body size", seal(header{kind: KindActivations, rows: 1, width: 2}, []byte{0}, make([]byte, 4)), ErrMalformed, "body of 4"},
		{"no tokens", seal(header{kind: KindActivations, rows: 1, width: 1}, []byte{0}, make([]byte, 4)), ErrMalformed, "0 tokens"},
		{"sampled", seal(header{kind: KindSampled}, []byte{0}, nil), ErrKind, "sampled"},
		{"unassigned kind", seal(header{kind: 9}, []byte{0}, nil), ErrKind, "kind 9"},
	}
	for _, c := range cases {
		err := ParseFrame(c.m, new(Frame))
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v, want %v saying %q", c.name, err, c.want, c.say)
		}
	}
	if err := ParseSampled(seal(header{kind: KindSampled, ack: 1}, []byte{0}, nil), new(Sampled)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if err := ParseSampled(seal(header{kind: KindSampled, entries: 9}, []byte{0}, nil), new(Sampled)); !errors.Is(err, ErrShort) {
		t.Error(err)
	}
	if err := ParseDelta(seal(header{kind: KindDelta, step: 1}, nil, nil), new(Delta)); !errors.Is(err, ErrMalformed) {
		t.Error(err)
	}
	if err := ParseDelta(seal(header{kind: KindDelta, flags: flagScores}, nil, nil), new(Delta)); !errors.Is(err, ErrMalformed) {
		t.Error("scores announced, but no item has any:", err)
	}
	if err := ParseSampled(seal(header{kind: KindSampled, flags: flagTops}, []byte{0}, nil), new(Sampled)); !errors.Is(err, ErrMalformed) {
		t.Error("alternatives announced, but no score has any:", err)
	}
	for _, h := range []header{{kind: KindStep, flags: 1}, {kind: KindSampled, flags: 2}, {kind: KindDelta, flags: 2}} {
		if _, err := parseHeader(seal(h, []byte{0}, nil)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with flags %d: %v", h.kind, h.flags, err)
		}
	}
	if err := ParseDelta(examples(t, "sampled")["sampled"], new(Delta)); !errors.Is(err, ErrKind) {
		t.Error(err)
	}
}

// Parameters have one form: the second only with a grammar, the first with its last byte zero.
func TestGrammarHasOneForm(t *testing.T) {
	open := func(p Params) *Frame {
		return &Frame{Entries: []Entry{{Ops: []Op{{Kind: OpOpen, Params: &p}}}}}
	}
	const form = HeaderSize + 7 // behind the entry's six bytes and the op's kind
	plain, err := AppendFrame(nil, open(Params{}))
	if err != nil {
		t.Fatal(err)
	}
	guided, err := AppendFrame(nil, open(Params{Grammar: "x"}))
	if err != nil || plain[form] != paramsV1 || guided[form] != paramsV2 || len(guided) != len(plain)+1 {
		t.Fatalf("forms %d and %d, %d and %d bytes, %v", plain[form], guided[form], len(plain), len(guided), err)
	}
	last := len(plain) - 4 // before choice, history and timings
	for name, change := range map[string]func(b []byte){
		"a grammar that is empty": func(b []byte) { b[form] = paramsV2 },
		"a reserved byte":         func(b []byte) { b[last] = 5 },
	} {
		desc := bytes.Clone(plain)
		change(desc)
		if err := ParseFrame(seal(header{kind: KindStep, entries: 1}, desc[HeaderSize:], nil), new(Frame)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenMayBeKept(t *testing.T) {
	m := examples(t, "frame")["step_open"]
	var f Frame
	if err := ParseFrame(m, &f); err != nil {
		t.Fatal(err)
	}
	kept := f.Entries[0].Ops[0]
	want := plain(&kept)
	other := openStep()
	other.Entries[0].Ops[0].Params.StopIDs = []int32{1, 2, 3}
	other.Entries[0].Ops[0].History = []int32{7, 7, 7, 7}
	b, err := AppendFrame(nil, other)
	if err != nil {
		t.Fatal(err)
	}
	if err := ParseFrame(b, &f); err != nil {
		t.Fatal(err)
	}
	if got := plain(&kept); got != want {
		t.Errorf("a kept Open changed:\n got %s\nwant %s", got, want)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	frame, sampled, delta := decodeFrame(8, 64), scoredExample(), scoresExample()
	var buf []byte
	var f Frame
	var s Sampled
	var x Delta
	round := func() {
		var err error
		if buf, err = AppendFrame(buf[:0], frame); err == nil {
			err = ParseFrame(buf, &f)
		}
		if err == nil {
			buf, err = AppendSampled(buf[:0], sampled)
		}
		if err == nil {
			err = ParseSampled(buf, &s)
		}
		if err == nil {
			buf, err = AppendDelta(buf[:0], delta)
		}
		if err == nil {
			err = ParseDelta(buf, &x)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round", n)
	}
}

func TestBody(t *testing.T) {
	want := []float32{0, 1, -2.5, float32(math.Inf(-1)), math.Float32frombits(0x7fc01234), math.SmallestNonzeroFloat32}
	b := F32Body(make([]byte, 0, 100), want)
	if binary.LittleEndian.Uint32(b[8:]) != math.Float32bits(-2.5) {
		t.Error("not little-endian")
	}
	for shift := range 4 { // a body lies at any alignment in a message
		m := append(make([]byte, shift), b...)
		got := Float32s(make([]float32, 1), m[shift:])
		if len(got) != len(want) {
			t.Fatal(len(got))
		}
		for i := range want {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Errorf("shift %d: element %d: %x", shift, i, math.Float32bits(got[i]))
			}
		}
	}
	if len(F32Body(nil, nil)) != 0 || len(Float32s(nil, nil)) != 0 {
		t.Error("empty bodies")
	}
}

func TestMaxRowsFit(t *testing.T) {
	for _, payload := range []int{0, 64, 100, 4096, 1 << 20, 8 << 20} {
		for _, width := range []int{0, 1, 896, 3584, 8192} {
			n := MaxRows(payload, width)
			if n <= 0 {
				continue
			}
			f := &Frame{Rows: n, Width: width, Body: make([]byte, n*width*4),
				Entries: []Entry{{Tokens: make([]int32, n), Targets: make([]int32, n)}}, Timings: make([]Timing, 8)}
			b, err := AppendFrame(nil, f)
			if err != nil || len(b) > payload {
				t.Errorf("payload %d, width %d: %d rows take %d bytes, %v", payload, width, n, len(b), err)
			}
		}
	}
	if n := MaxRows(1<<20, 3584); n < 64 {
		t.Errorf("a default server carries only %d rows of 3584", n)
	}
}

func fuzzCodec(f *testing.F, c codec) {
	for _, b := range examples(f, c.name) {
		f.Add(b)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		b, err := c.appendP(nil, c.random(r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		if len(m) >= HeaderSize { // make the checksum and lengths right, or nothing gets past them
			m = bytes.Clone(m)
			body := min(int(binary.LittleEndian.Uint32(m[offBody:])), len(m)-HeaderSize)
			binary.LittleEndian.PutUint32(m[offBody:], uint32(body))
			binary.LittleEndian.PutUint32(m[offDesc:], uint32(len(m)-HeaderSize-body))
			binary.LittleEndian.PutUint32(m[offCRC:], checksum(m))
		}
		v := c.fresh()
		if c.parse(m, v) != nil {
			return
		}
		again, err := c.appendP(nil, v)
		if err != nil || !bytes.Equal(again, m) {
			t.Fatalf("parsed, but encodes as something else: %v\n%x\n%x", err, m, again)
		}
	})
}

func FuzzParseFrame(f *testing.F)   { fuzzCodec(f, codecs[0]) }
func FuzzParseSampled(f *testing.F) { fuzzCodec(f, codecs[1]) }
func FuzzParseDelta(f *testing.F)   { fuzzCodec(f, codecs[2]) }

func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct{ rows, width int }{{1, 896}, {8, 896}, {64, 3584}} {
		f := decodeFrame(c.rows, c.width)
		m, err := AppendFrame(nil, f)
		if err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("%dx%d", c.rows, c.width)
		b.Run("append/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(m)))
			b.ReportAllocs()
			for b.Loop() {
				m, _ = AppendFrame(m[:0], f)
			}
		})
		b.Run("parse/"+name, func(b *testing.B) {
			var out Frame
			b.SetBytes(int64(len(m)))
			b.ReportAllocs()
			for b.Loop() {
				if err := ParseFrame(m, &out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSampled(b *testing.B) {
	s := sampledExample()
	var out Sampled
	var m []byte
	b.ReportAllocs()
	for b.Loop() {
		m, _ = AppendSampled(m[:0], s)
		if err := ParseSampled(m, &out); err != nil {
			b.Fatal(err)
		}
	}
}
