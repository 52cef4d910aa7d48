package grammar

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// hostile are schemas that try to take long, or much.
func hostile() map[string]string {
	rep := strings.Repeat
	props := func(n int, v string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `%q:%s,`, fmt.Sprint("p", i), v)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	list := func(n int, f func(i int) string) string {
		var b []string
		for i := range n {
			b = append(b, f(i))
		}
		return strings.Join(b, ",")
	}
	return map[string]string{
		"many patterns":   `{"type":"object","properties":{` + props(2000, `{"type":"string","pattern":"^[^x]{50}$"}`) + `}}`,
		"many big pats":   `{"type":"object","properties":{` + props(1500, `{"type":"string","pattern":"(a|b)*a.{9}$"}`) + `}}`,
		"unicode":         `{"type":"object","properties":{` + props(1500, `{"type":"string","pattern":"^\\p{L}{1,60}$"}`) + `}}`,
		"unicode refused": `{"type":"object","properties":{` + props(1500, `{"type":"string","pattern":"\\p{L}{900}"}`) + `}}`,
		"dfa explosion":   `{"type":"string","pattern":"(a|b)*a(a|b){20}$"}`,
		"allOf doubling": `{"$ref":"#/$defs/a0","$defs":{` + list(60, func(i int) string {
			return fmt.Sprintf(`"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]}`, i, i+1, i+1)
		}) + `,"a60":{"type":"string"}}}`,
		"anyOf product": `{"allOf":[` + list(30, func(i int) string { return fmt.Sprintf(`{"anyOf":[{"required":["a%d"]},{"required":["b%d"]}]}`, i, i) }) + `]}`,
		"oneOf": `{"oneOf":[` + list(250, func(i int) string {
			return fmt.Sprintf(`{"type":"object","properties":{"k":{"const":"%d"},%s},"required":["k"]}`, i, props(12, "{}"))
		}) + `]}`,
		"ranges":          `{"type":"object","properties":{` + props(2000, `{"type":"integer","minimum":-12345678,"multipleOf":97}`) + `}}`,
		"many required":   `{"type":"object","required":[` + list(9000, func(i int) string { return fmt.Sprintf(`"r%d"`, i) }) + `]}`,
		"many props":      `{"type":"object","properties":{` + props(6000, `{}`) + `},"additionalProperties":true}`,
		"deep":            rep(`{"items":`, 100) + `{}` + rep(`}`, 100),
		"enum":            `{"enum":[` + list(10000, func(i int) string { return fmt.Sprintf(`"v%d"`, i) }) + `]}`,
		"merge props":     `{"allOf":[` + list(300, func(i int) string { return `{"properties":{` + props(20, `{}`) + `}}` }) + `]}`,
		"recursion twice": `{"$ref":"#/$defs/t","$defs":{"t":{"anyOf":[{"type":"object","properties":{"a":{"$ref":"#/$defs/t"},"b":{"type":"null"}},"required":["a"]},{"type":"object","properties":{"a":{"$ref":"#/$defs/t"},"c":{"type":"null"}},"required":["a"]},{"type":"null"}]}}}`,
	}
}

func compileAny(tb testing.TB, schema string) (*Grammar, error) {
	tb.Helper()
	spec := Spec{Schema: json.RawMessage(schema)}
	text, err := spec.Text()
	if err != nil {
		tb.Fatal(err)
	}
	return Compile(text)
}

// TestHostileSchemas: what they make is bounded, or refused; and so is what the automaton keeps of it.
func TestHostileSchemas(t *testing.T) {
	v := demoVocab()
	for name, schema := range hostile() {
		g, err := compileAny(t, schema)
		if err != nil {
			continue
		}
		if len(g.insts) > maxInsts || len(g.edges) > maxEdges {
			t.Errorf("%s: %d instructions", name, len(g.insts))
		}
		s := g.start
		for range 20 {
			g.allowed(v, s, v.empty(), func() bool { return false })
			for _, b := range []byte(`"{a:p1[`) {
				if to := g.step(s, b); to != dead {
					s = to
					break
				}
			}
			if len(s.threads) > maxThreads || len(g.states) > maxNext/g.nums || g.kept > maxKept+maxThreads {
				t.Fatalf("%s: %d threads, %d states, %d kept", name, len(s.threads), len(g.states), g.kept)
			}
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, schema := range hostile() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = compileAny(b, schema) // most are refused
			}
		})
	}
}
