package grammar

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// valid tells whether a document satisfies a schema, by somebody else's judgement.
func valid(t *testing.T, schema, document string) error {
	t.Helper()
	s, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("schema.json", s); err != nil {
		t.Fatal(err)
	}
	v, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	d, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		return err
	}
	if !utf8.ValidString(document) {
		return errors.New("not UTF-8")
	}
	return v.Validate(d)
}

// sampleAny draws tokens as a model without a clue does: all that may come are equally likely, and so is the end.
func sampleAny(t *testing.T, r *rand.Rand, c *Cursor, most int) (text []byte, whole bool) {
	t.Helper()
	var tokens []int32
	for range most {
		if c.MustEnd() || c.MayEnd() && r.IntN(2) == 0 {
			return text, true
		}
		m := maskOf(t, c)
		id := pick(r, m, c.guide.vocab.size)
		if id < 0 {
			t.Fatalf("nothing can follow %q", text)
		}
		tokens = append(tokens, id)
		text = append(text, c.guide.vocab.text(id)...)
		if r.IntN(2) == 0 {
			c.Expect(id)
		}
		if err := c.Seek(tokens); err != nil {
			t.Fatal(err)
		}
	}
	return text, c.MustEnd()
}

// pick is one of a set, -1 where it is empty.
func pick(r *rand.Rand, m Mask, size int) int32 {
	from := r.IntN(size)
	for i := range size {
		if id := int32((from + i) % size); m.Has(id) {
			return id
		}
	}
	return -1
}

// distances are how many bytes it takes at least from each instruction to the end of its rule.
func distances(p *program) []int {
	const far = 1 << 30
	d := make([]int, len(p.insts))
	for i := range d {
		d[i] = far
	}
	for changed := true; changed; {
		changed = false
		for pc := range p.insts {
			in := &p.insts[pc]
			n := far
			switch in.op {
			case opRet:
				n = 0
			case opCall:
				n = d[in.a] + d[in.b]
			case opRep:
				n = d[in.b]
				if in.lo > 0 {
					n += int(in.lo) * d[in.a]
				}
			case opAlt:
				p.targets(int32(pc), func(t int32) { n = min(n, d[t]) })
			case opBytes:
				p.targets(int32(pc), func(t int32) { n = min(n, 1+d[t]) })
			}
			if n < d[pc] {
				d[pc], changed = n, true
			}
		}
	}
	return d
}

// away is how many bytes it takes at least from a state to the end of the document.
func away(g *Grammar, d []int, s *state) int {
	if s.accept {
		return 0
	}
	least := 1 << 30
	for _, t := range s.threads {
		n := d[t.pc]
		for f := t.top; f != nil; f = f.parent {
			in := &g.insts[f.pc]
			if in.op != opRep {
				n += d[f.pc]
				continue
			}
			n += d[in.b]
			if more := int(in.lo - f.count); more > 0 {
				n += more * d[in.a]
			}
		}
		least = min(least, n)
	}
	return least
}

// finish completes a prefix by the shortest way. Each byte brings the end nearer.
func finish(t *testing.T, g *Grammar, text []byte) []byte {
	t.Helper()
	d := distances(g.program)
	s := g.start
	for _, b := range text {
		s = g.step(s, b)
	}
	for left := away(g, d, s); left > 0; {
		nearest, best := s, byte(0)
		for b := range 256 {
			if to := g.step(s, byte(b)); to != dead && away(g, d, to) < left {
				nearest, best, left = to, byte(b), away(g, d, to)
			}
		}
		if nearest == s {
			t.Fatalf("%.300q cannot be completed", text)
		}
		s, text = nearest, append(text, best)
	}
	return text
}

// TestDocumentsValidate: whatever random models say is valid, and what is cut off can be completed.
func TestDocumentsValidate(t *testing.T) {
	vocabs := map[string]*Vocab{"bytes": byteVocab(), "demo": demoVocab(), "qwen2": qwen2Vocab(t)}
	for name, v := range vocabs {
		t.Run(name, func(t *testing.T) {
			guide := NewGuide(func() *Vocab { return v })
			defer guide.Close()
			schemas, whole := 0, 0
			n := 120
			if name == "qwen2" {
				n = 24
			}
			for seed := range uint64(n) {
				r := rand.New(rand.NewPCG(seed, 1))
				schema := (&gen{Rand: r}).document()
				spec := Spec{Schema: json.RawMessage(schema)}
				text, err := spec.Text()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := guide.Open(text); err != nil {
					continue // two constants at odds, for example
				}
				schemas++
				for range 3 {
					c, err := guide.Open(text)
					if err != nil {
						t.Fatal(err)
					}
					document, complete := sampleAny(t, r, c, 100)
					if complete {
						whole++
					} else {
						guide.lock()
						document = finish(t, c.place.grammar, document)
						guide.mu.Unlock()
					}
					if err := valid(t, schema, string(document)); err != nil {
						t.Fatalf("schema %s\ndocument %.2000s\n%v", schema, document, err)
					}
				}
			}
			t.Logf("%d schemas, %d documents complete by themselves", schemas, whole)
			if schemas < n/2 || whole < schemas/4 {
				t.Errorf("of %d schemas %d compile, and %d documents are complete", n, schemas, whole)
			}
		})
	}
}

// TestMaskIsWhatIsAllowed: the shortcuts inside strings change nothing.
func TestMaskIsWhatIsAllowed(t *testing.T) {
	for _, v := range []*Vocab{byteVocab(), demoVocab()} {
		guide := NewGuide(func() *Vocab { return v })
		for seed := range uint64(25) {
			r := rand.New(rand.NewPCG(seed, 2))
			spec := Spec{Schema: json.RawMessage((&gen{Rand: r}).document())}
			text, err := spec.Text()
			if err != nil {
				t.Fatal(err)
			}
			c, err := guide.Open(text)
			if err != nil {
				continue
			}
			var tokens []int32
			for range 30 {
				m := maskOf(t, c)
				for id := range int32(v.size) {
					if m.Has(id) != allows(t, c, id) {
						t.Fatalf("%s: token %d %q: masked %v, allowed %v", text, id, v.text(id), m.Has(id), allows(t, c, id))
					}
				}
				id := pick(r, m, v.size)
				if id < 0 {
					break
				}
				tokens = append(tokens, id)
				if err := c.Seek(tokens); err != nil {
					t.Fatal(err)
				}
			}
		}
		guide.Close()
	}
}
