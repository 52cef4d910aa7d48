package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
)

func bytesOf(text string) []int32 {
	ids := make([]int32, len(text))
	for i := range len(text) {
		ids[i] = int32(text[i])
	}
	return ids
}

// Where a cursor is depends on the tokens alone: not on the way that it came, nor on what the guide has forgotten.
func TestSeek(t *testing.T) {
	g := NewGuide(byteVocab)
	defer g.Close()
	text := `{"a": [1, {"b": "ü"}], "c": null}`
	tokens := bytesOf(text)
	c := openAt(t, g, string(AnyObject), "")
	for _, n := range []int{3, len(text), 5, 0, len(text) - 1, len(text)} {
		if n%2 == 0 {
			c.place.grammar.forget()
		}
		if err := c.Seek(tokens[:n]); err != nil {
			t.Fatalf("%d tokens: %v", n, err)
		}
		straight := openAt(t, g, string(AnyObject), text[:n])
		if !slices.Equal(maskOf(t, c), maskOf(t, straight)) || c.MayEnd() != straight.MayEnd() || c.MustEnd() != (n == len(text)) {
			t.Errorf("after %q it depends on the way", text[:n])
		}
	}
	other := bytesOf(`{"b`)
	if err := c.Seek(other); err != nil || allows(t, c, 'a') == allows(t, c, '\n') {
		t.Errorf("another answer: %v", err)
	}
	for _, bad := range []int32{'\n', 256, -1, 1 << 20} {
		if err := c.Seek(append(slices.Clone(other), bad)); !errors.Is(err, ErrForeign) {
			t.Errorf("token %d: %v", bad, err)
		}
	}
}

// More grammars and masks than are kept are made again.
func TestEviction(t *testing.T) {
	g := NewGuide(byteVocab)
	defer g.Close()
	first := openAt(t, g, `{"const":"0"}`, "")
	want := slices.Clone(maskOf(t, first))
	for i := range maxGrammars + 3 {
		c := openAt(t, g, fmt.Sprintf(`{"type":"string","pattern":"^%d.{30}$"}`, i), "")
		for n, b := range bytesOf(fmt.Sprintf(`"%d%s`, i, "abcdefghijklmnopqrst")) {
			m := maskOf(t, c)
			if !m.Has(b) {
				t.Fatalf("byte %d of grammar %d is masked", n, i)
			}
			c.Expect(b)
			if err := c.Seek(append(slices.Clone(c.tokens), b)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if g.recent.Len() != maxGrammars || len(g.grammars) != maxGrammars || g.masks.Len() > maxMasks {
		t.Errorf("%d grammars, %d masks", g.recent.Len(), g.masks.Len())
	}
	if !slices.Equal(maskOf(t, first), want) {
		t.Error("a grammar that is in use has changed")
	}
}

// TestManyThreads: alternatives beyond the limit are left out, and what is left can be finished.
func TestManyThreads(t *testing.T) {
	props := map[string]any{}
	for i := range 3000 {
		props[fmt.Sprintf("p%d", i)] = map[string]any{"type": "integer"}
	}
	schema, err := json.Marshal(map[string]any{"type": "object", "properties": props})
	if err != nil {
		t.Fatal(err)
	}
	g := compileSchema(t, string(schema))
	if n := len(g.step(g.step(g.start, '{'), '"').threads); n > maxThreads {
		t.Errorf("%d threads", n)
	}
	document := finish(t, g, []byte(`{"p1`))
	if err := valid(t, string(schema), string(document)); err != nil {
		t.Errorf("%s: %v", document, err)
	}
}

// FuzzCompile: a hostile schema is refused or compiles to something that has an end, in bounded time.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{person, string(AnyObject), `{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}}}`,
		`{"type":"string","pattern":"^(a|b){3,9}$","maxLength":5}`, `{"type":"number","minimum":-1e3,"exclusiveMaximum":2.5}`,
		`{"allOf":[{"$ref":"#/allOf/1"},{"oneOf":[{"type":"null"},{"enum":[1,"x"]}]}]}`, `{"type":"array","prefixItems":[true,false],"minItems":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, schema []byte) {
		if !json.Valid(schema) {
			t.Skip()
		}
		spec := Spec{Schema: schema}
		text, err := spec.Text()
		if err != nil {
			return
		}
		g, err := Compile(text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%v is not an Error", err)
			}
			return
		}
		if g.start == dead {
			t.Errorf("%s: nothing satisfies it", schema)
		}
		s := g.start
		for _, b := range []byte(`{"a":["é\u00e9",1.5e3,true,{}]}`) {
			if to := g.step(s, b); to != dead {
				s = to
			}
			if len(s.threads) == 0 && !s.accept {
				t.Fatalf("%s: stuck", schema)
			}
		}
	})
}
