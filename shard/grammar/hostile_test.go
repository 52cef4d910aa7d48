package grammar

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func each(n int, f func(i int) string) string {
	var b []string
	for i := range n {
		b = append(b, f(i))
	}
	return strings.Join(b, ",")
}

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
	return map[string]string{
		"many patterns":   `{"type":"object","properties":{` + props(2000, `{"type":"string","pattern":"^[^x]{50}$"}`) + `}}`,
		"many big pats":   `{"type":"object","properties":{` + props(1500, `{"type":"string","pattern":"(a|b)*a.{9}$"}`) + `}}`,
		"unicode":         `{"type":"object","properties":{` + props(1500, `{"type":"string","pattern":"^\\p{L}{1,60}$"}`) + `}}`,
		"unicode refused": `{"type":"object","properties":{` + props(1500, `{"type":"string","pattern":"\\p{L}{900}"}`) + `}}`,
		"dfa explosion":   `{"type":"string","pattern":"(a|b)*a(a|b){20}$"}`,
		"allOf doubling": `{"$ref":"#/$defs/a0","$defs":{` + each(60, func(i int) string {
			return fmt.Sprintf(`"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]}`, i, i+1, i+1)
		}) + `,"a60":{"type":"string"}}}`,
		"anyOf product": `{"allOf":[` + each(30, func(i int) string { return fmt.Sprintf(`{"anyOf":[{"required":["a%d"]},{"required":["b%d"]}]}`, i, i) }) + `]}`,
		"oneOf": `{"oneOf":[` + each(250, func(i int) string {
			return fmt.Sprintf(`{"type":"object","properties":{"k":{"const":"%d"},%s},"required":["k"]}`, i, props(12, "{}"))
		}) + `]}`,
		"ranges":          `{"type":"object","properties":{` + props(2000, `{"type":"integer","minimum":-12345678,"multipleOf":97}`) + `}}`,
		"many required":   `{"type":"object","required":[` + each(9000, func(i int) string { return fmt.Sprintf(`"r%d"`, i) }) + `]}`,
		"many props":      `{"type":"object","properties":{` + props(6000, `{}`) + `},"additionalProperties":true}`,
		"deep":            rep(`{"items":`, 100) + `{}` + rep(`}`, 100),
		"enum":            `{"enum":[` + each(10000, func(i int) string { return fmt.Sprintf(`"v%d"`, i) }) + `]}`,
		"merge props":     `{"allOf":[` + each(300, func(i int) string { return `{"properties":{` + props(20, `{}`) + `}}` }) + `]}`,
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

// tooComplex are schemas that would take up to seconds to compile.
func tooComplex() map[string]string {
	rep := strings.Repeat
	words := func(n int, format string) string {
		return each(n, func(i int) string { return fmt.Sprintf(format, i) })
	}
	pattern := func(p string) string { return `{"type":"string","pattern":"` + strings.ReplaceAll(p, `\`, `\\`) + `"}` }
	return map[string]string{
		"two enums told apart by every pair": `{"$defs":{"a":{"enum":[` + words(4000, `"a%d"`) + `,"last"]},"b":{"enum":[` + words(4000, `"b%d"`) + `,"last"]}},"oneOf":[` +
			each(200, func(i int) string {
				return fmt.Sprintf(`{"type":"object","properties":{"c":{"$ref":"#/$defs/%c"},"k":{"const":"%d"}}}`, "ab"[i%2], i)
			}) + `]}`,
		"an enum merged with others": `{"$defs":{"c":{"enum":[` + words(4000, `"%d"`) + `]}},"type":"object","properties":{` +
			words(1000, `"p%d":{"$ref":"#/$defs/c","type":"integer"}`) + `}}`,
		"the last property tells apart": `{"oneOf":[` + each(250, func(i int) string {
			return fmt.Sprintf(`{"type":"object","properties":{%s,"k":{"const":"%d"}}}`, words(40, `"%d":{}`), i)
		}) + `]}`,
		"properties merged one by one": `{"allOf":[` + words(3500, `{"properties":{"p%d":{}}}`) + `]}`,
		"long paths":                   `{"properties":{"` + rep("x", 60000) + `":{"properties":{` + words(5500, `"%d":{}`) + `}}}}`,
		"references among many":        `{"$defs":{` + words(5000, `"a%d":{}`) + `},"anyOf":[` + rep(`{"$ref":"#/$defs/a4999"},`, 2400) + `{}]}`,
		"a class of classes":           pattern(`[` + rep(`\p{L}`, 20000) + `]`),
		"classes in turn":              pattern(rep(`\p{L}`, 20000)),
		"folded ranges":                pattern(`(?i)[` + rep(`B-\x{1e942}`, 1000) + `]`),
		"folded characters":            pattern(`(?i)[` + rep("B-\U0001e942", 1000) + `]`),
		"repetitions":                  pattern(rep(`x{1000}`, 3000)),
		"lengths":                      `{"anyOf":[` + words(1500, `{"type":"string","pattern":"^a$","minLength":2%03d}`) + `]}`,
		"a length and a large pattern": `{"anyOf":[` + words(1500, `{"type":"string","pattern":"^(a|b)*a(a|b){9}$","maxLength":3,"title":"%d"}`) + `]}`,
	}
}

// TestComplexSchemas: what takes too many steps is refused, and says so.
func TestComplexSchemas(t *testing.T) {
	for name, schema := range tooComplex() {
		if _, err := compileAny(t, schema); err == nil || !strings.Contains(err.Error(), "too complex") {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

// TestLargeOneOf: a schema whose branches share a large enum is not complex.
func TestLargeOneOf(t *testing.T) {
	values := each(4000, func(i int) string { return fmt.Sprintf(`"%d"`, i) })
	branches := each(80, func(i int) string {
		return fmt.Sprintf(`{"type":"object","properties":{"c":{"$ref":"#/$defs/c"},"k":{"const":"%d"}}}`, i)
	})
	compileSchema(t, `{"$defs":{"c":{"enum":[`+values+`]}},"oneOf":[`+branches+`]}`)
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
			s = g.current(s)
			if err := g.allowed(v, s, v.empty(), func() bool { return false }); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s = g.current(s)
			for _, b := range []byte(`"{a:p1[`) {
				if to := g.step(s, b); to != dead {
					s = to
					break
				}
			}
			if len(s.threads) > maxThreads || len(g.states) > maxNext/g.nums+1 || g.kept > maxKept+maxThreads {
				t.Fatalf("%s: %d threads, %d states, %d kept", name, len(s.threads), len(g.states), g.kept)
			}
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	schemas := hostile()
	maps.Copy(schemas, tooComplex())
	for name, schema := range schemas {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = compileAny(b, schema) // most are refused
			}
		})
	}
}
