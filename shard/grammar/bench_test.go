package grammar

import (
	"encoding/json"
	"testing"
)

// person is a schema as applications have them.
const person = `{"type":"object","properties":{
	"name":{"type":"string"},"age":{"type":"integer","minimum":0,"maximum":150},"email":{"type":"string","format":"email"},
	"tags":{"type":"array","items":{"type":"string","maxLength":20}},
	"address":{"type":"object","properties":{"street":{"type":"string"},"zip":{"type":"string","pattern":"^[0-9]{5}$"}},"required":["street","zip"],"additionalProperties":false}},
	"required":["name","age","email","tags","address"],"additionalProperties":false}`

// places are typical states of a grammar, and the dearest ones, by the text before them.
var places = []struct{ name, schema, text string }{
	{"key", person, `{"na`},
	{"string", person, `{"name": "Ada`},
	{"integer", person, `{"name": "Ada", "age": 3`},
	{"email", person, `{"name": "Ada", "age": 36, "email": "ada`},
	{"bounded string", person, `{"name": "Ada", "age": 36, "email": "ada@example.org", "tags": ["ma`},
	{"digits", person, `{"name": "Ada", "age": 36, "email": "ada@example.org", "tags": [], "address": {"street": "", "zip": "12`},
	{"any object", string(AnyObject), `{"a": [1, {"b": "c`},
	{"any value", string(AnyObject), `{"a": `},
	{"wide pattern", `{"type":"string","pattern":"^[^<>]*$"}`, `"abc`},
	{"wide bounded pattern", `{"type":"string","pattern":"^[^<>]*$","maxLength":400}`, `"abc`},
	{"key beside others", `{"type":"object","properties":{"a":{},"b":{}},"additionalProperties":true}`, `{"abc`},
}

func openAt(tb testing.TB, g *Guide, schema, text string) *Cursor {
	tb.Helper()
	spec := Spec{Schema: json.RawMessage(schema)}
	encoded, err := spec.Text()
	if err != nil {
		tb.Fatal(err)
	}
	c, err := g.Open(encoded)
	if err != nil {
		tb.Fatal(err)
	}
	c.place.state = c.place.grammar.current(c.place.state)
	for i := range len(text) {
		if c.place.state = c.place.grammar.step(c.place.state, text[i]); c.place.state == dead {
			tb.Fatalf("%s is not possible at %d", text, i)
		}
	}
	return c
}

// maskOf is the tokens that may come next.
func maskOf(tb testing.TB, c *Cursor) Mask {
	tb.Helper()
	m, err := c.Mask()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// makeMask makes m anew.
func makeMask(tb testing.TB, c *Cursor, m Mask) {
	g := c.place.grammar
	if err := g.allowed(c.guide.vocab, g.current(c.place.state), m, func() bool { return false }); err != nil {
		tb.Fatal(err)
	}
}

// allows tells whether a token may come next.
func allows(tb testing.TB, c *Cursor, id int32) bool {
	tb.Helper()
	ok, err := c.Allows(id)
	if err != nil {
		tb.Fatal(err)
	}
	return ok
}

// BenchmarkMask makes the mask of one state over 151,936 tokens: "first" with the automaton's transitions to be found, "again" with
// them known.
func BenchmarkMask(b *testing.B) {
	v := qwen2Vocab(b)
	m := v.empty()
	for _, p := range places {
		g := NewGuide(func() *Vocab { return v })
		b.Run(p.name+"/first", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				c := openAt(b, g, p.schema, p.text)
				c.place.grammar.forget()
				b.StartTimer()
				makeMask(b, c, m)
			}
		})
		b.Run(p.name+"/again", func(b *testing.B) {
			c := openAt(b, g, p.schema, p.text)
			for b.Loop() {
				makeMask(b, c, m)
			}
		})
		g.Close()
	}
}

// BenchmarkToken tests one sampled token, which is all that a step costs where the model says what it should.
func BenchmarkToken(b *testing.B) {
	g := NewGuide(func() *Vocab { return qwen2Vocab(b) })
	defer g.Close()
	c := openAt(b, g, person, `{"name": "Ada`)
	for b.Loop() {
		if ok, err := c.Allows(3837 % 1000); !ok || err != nil {
			b.Fatal("not allowed")
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	spec := Spec{Schema: json.RawMessage(person)}
	text, err := spec.Text()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Compile(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVocab(b *testing.B) {
	v := qwen2Vocab(b)
	for b.Loop() {
		NewVocab(v.size, func(id int32) []byte { return v.text(id) })
	}
}
