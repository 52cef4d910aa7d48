package grammar

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// gen makes random schemas of everything that is supported.
type gen struct {
	*rand.Rand
	defs int // names that $ref may use
}

type object = map[string]any

func (g *gen) one(list ...string) string { return list[g.IntN(len(list))] }

// document is a schema with definitions, some of them recursive. Members are ordered by the encoder, not by us.
func (g *gen) document() string {
	g.defs = g.IntN(3)
	s := g.schema(3)
	defs := object{}
	for i := range g.defs {
		defs[fmt.Sprint("d", i)] = object{"anyOf": []any{object{"type": "null"}, g.schema(2)}}
	}
	if m, ok := s.(object); ok && g.defs > 0 {
		m["$defs"] = defs
	} else if g.defs > 0 {
		s = object{"allOf": []any{s}, "$defs": defs}
	}
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (g *gen) schema(depth int) any {
	kinds := 12
	if depth <= 0 {
		kinds = 7
	}
	switch g.IntN(kinds) {
	case 0:
		return object{"type": g.one("null", "boolean", "integer", "number", "string"), "description": "x"}
	case 1:
		return g.number()
	case 2, 3:
		return g.text()
	case 4:
		return object{"enum": []any{"a", "b\"\n", 7, nil, true, []any{1, object{"k": "é"}}}[:1+g.IntN(6)]}
	case 5:
		if g.defs > 0 {
			return object{"$ref": fmt.Sprint("#/$defs/d", g.IntN(g.defs))}
		}
		return object{"const": g.one("x", "longer text", "é😀")}
	case 6:
		return object{"type": []string{"string", g.one("null", "integer", "boolean")}}
	case 7, 8, 9:
		return g.object(depth)
	case 10:
		return g.array(depth)
	}
	switch g.IntN(4) {
	case 0, 1:
		return object{"anyOf": []any{g.schema(depth - 1), g.schema(depth - 1)}}
	case 2:
		return object{"oneOf": []any{
			object{"type": "object", "properties": object{"k": object{"const": "a"}, "v": g.schema(depth - 1)}},
			object{"type": "object", "properties": object{"k": object{"enum": []any{"b", "c"}}}, "required": []string{"k"}}}}
	}
	return object{"type": "object", "properties": object{"p": g.schema(depth - 1)}, "allOf": []any{g.object(depth - 1)}}
}

func (g *gen) number() any {
	lo := g.IntN(2000) - 1000
	s := object{"type": g.one("integer", "number")}
	if g.IntN(2) == 0 {
		s[g.one("minimum", "exclusiveMinimum")] = lo
	}
	if g.IntN(2) == 0 {
		s[g.one("maximum", "exclusiveMaximum")] = float64(lo) + 100 + float64(g.IntN(5000))/8
	}
	if s["type"] == "number" && g.IntN(3) == 0 {
		s["multipleOf"] = json.RawMessage(g.one("0.1", "0.001", "5"))
	}
	if s["type"] == "integer" && g.IntN(3) == 0 {
		s["multipleOf"] = 1 + g.IntN(30)
	}
	return s
}

func (g *gen) text() any {
	s := object{"type": "string"}
	switch g.IntN(4) {
	case 0:
		s["pattern"] = g.one(`^[a-z]+$`, `^\d{3}-\d{2,4}$`, `x.y`, `^(foo|bar)*[^"]$`, `[\t\\"]$`, `^\p{Greek}+`)
	case 1:
		s["format"] = g.one("date", "time", "date-time", "uuid", "email", "hostname", "ipv4", "ipv6", "duration", "uri")
	case 2:
		s["minLength"], s["maxLength"] = g.IntN(4), 4+g.IntN(8)
	}
	if g.IntN(4) == 0 {
		s["maxLength"] = 4 + g.IntN(60)
	}
	return s
}

func (g *gen) object(depth int) object {
	props, required := object{}, []string{}
	for i := range g.IntN(4) {
		name := g.one("a", "b", "c\"", "é", "long name") + strings.Repeat("_", i)
		props[name] = g.schema(depth - 1)
		if g.IntN(2) == 0 {
			required = append(required, name)
		}
	}
	s := object{"type": "object", "properties": props, "required": required}
	switch g.IntN(4) {
	case 0:
		s["additionalProperties"] = false
	case 1:
		s["additionalProperties"] = g.schema(depth - 2)
	case 2:
		delete(s, "type")
		delete(s, "properties")
	}
	return s
}

func (g *gen) array(depth int) any {
	s := object{"type": "array"}
	if g.IntN(4) > 0 {
		s["items"] = g.schema(depth - 1)
	}
	if g.IntN(3) == 0 {
		s["prefixItems"] = []any{g.schema(depth - 1), g.schema(depth - 1)}
	}
	if g.IntN(2) == 0 {
		s["minItems"], s["maxItems"] = g.IntN(3), 2+g.IntN(3)
	}
	return s
}
