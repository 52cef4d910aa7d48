package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// accepts runs a grammar over a text.
func accepts(g *Grammar, text string) (prefix, whole bool) {
	s := g.start
	for i := range len(text) {
		if s = g.step(s, text[i]); s == dead {
			return false, false
		}
	}
	return true, s.accept
}

func compileSchema(t testing.TB, schema string) *Grammar {
	t.Helper()
	spec := Spec{Schema: json.RawMessage(schema)}
	text, err := spec.Text()
	if err != nil {
		t.Fatal(err)
	}
	g, err := Compile(text)
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return g
}

func TestLanguage(t *testing.T) {
	long := strings.Repeat("[", maxAny) + strings.Repeat("]", maxAny)
	for _, c := range []struct {
		schema  string
		yes, no []string
	}{
		{`true`, []string{`null`, `-0.5e+10`, `"a\u00e9\ud83d\ude00é😀"`, `[1, {"a":[]}]`, "{\n  \"a\": 1,\n  \"b\": {}\n}", long},
			[]string{`nul`, `01`, `"\ud83d"`, `"\ude00"`, "\"\xff\"", "\"\xed\xa0\x80\"", "\"\n\"", `[1,]`, `{"a" :1}`, `[1 ,2]`, `{a:1}`, " 1", "1 ", "[" + long + "]", "[  1]"}},
		{`{"type":"object"}`, []string{`{}`, `{ }`, `{"":null}`}, []string{`[]`, `1`, `{"a"}`}},
		{`{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":{"type":"null"}},"required":["b"]}`,
			[]string{`{"b":"x"}`, `{"a": 1, "b": "", "c": null}`, `{"a":1,"b":""}`, `{"b":"","c":null}`},
			[]string{`{}`, `{"a":1}`, `{"b":"","a":1}`, `{"b":"","d":1}`, `{"b":"",}`, `{,"b":""}`, `{"a":1.0,"b":""}`}},
		{`{"type":"object","properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"boolean"}}`,
			[]string{`{}`, `{"a":1}`, `{"a":1,"b":true}`, `{"ab":true, "":false}`, `{"b\n":true}`, `{"é":true}`},
			[]string{`{"a":true}`, `{"b":1}`, `{"b":true,"a":true}`, `{"\u0061":true}`}},
		{`{"type":"object","properties":{"a":{}},"additionalProperties":false,"required":["a"]}`, []string{`{"a":[]}`}, []string{`{}`, `{"b":1}`}},
		{`{"required":["z"]}`, []string{`{"z":1}`, `{"z":{},"y":1}`}, []string{`{}`, `{"y":1,"z":1}`}},
		{`{"enum":["a","ab",1,null,{"x":[1,"é\""]}]}`, []string{`"a"`, `"ab"`, `1`, `null`, `{"x":[1,"é\""]}`}, []string{`"b"`, `"abc"`, `2`, `"a`}},
		{`{"type":"string","enum":["a",1]}`, []string{`"a"`}, []string{`1`}},
		{`{"type":"string","enum":["a","b","",null],"minLength":1,"maxLength":1}`, []string{`"a"`, `"b"`}, []string{`""`, `null`}},
		{`{"enum":["é","ab","abc",1,null],"maxLength":2,"pattern":"^[a-z]*$"}`, []string{`"ab"`, `1`, `null`}, []string{`"é"`, `"abc"`}},
		{`{"enum":["2024-02-29","2023-02-29"],"format":"date"}`, []string{`"2024-02-29"`}, []string{`"2023-02-29"`}},
		{`{"enum":[1,2.5,10,15,20,"x"],"minimum":1,"exclusiveMinimum":1,"maximum":20,"multipleOf":5}`, []string{`10`, `15`, `20`, `"x"`}, []string{`1`, `2.5`}},
		{`{"enum":[0.25,0.1,3],"type":"number","multipleOf":0.1}`, []string{`0.1`, `3`}, []string{`0.25`}},
		{`{"enum":["a",{"x":1}],"type":"string","minProperties":0,"required":["x"]}`, []string{`"a"`}, []string{`{"x":1}`}},
		{`{"$ref":"#/$defs/e","minLength":2,"$defs":{"e":{"enum":["a","bb"]}}}`, []string{`"bb"`}, []string{`"a"`}},
		{`{"const":"a\tb"}`, []string{`"a\tb"`}, []string{`"a\u0009b"`}},
		{`{"type":["string","null"],"maxLength":2,"minLength":1}`, []string{`"a"`, `"é\n"`, `"\ud83d\ude00😀"`, `null`}, []string{`""`, `"abc"`}},
		{`{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":3}`, []string{`[1]`, `[1, 2, 3]`}, []string{`[]`, `[1,2,3,4]`, `["a"]`}},
		{`{"type":"array","maxItems":0}`, []string{`[]`}, []string{`[1]`}},
		{`{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":1}`, []string{`[1]`, `[1,"a"]`}, []string{`[]`, `["a"]`, `[1,"a",2]`}},
		{`{"type":"array","prefixItems":[{"type":"integer"}],"items":{"type":"string"},"minItems":3,"maxItems":4}`, []string{`[1,"a","b"]`, `[1,"a","b","c"]`}, []string{`[1,"a"]`, `[1,2,3]`, `[1,"a","b","c","d"]`}},
		{`{"type":"integer","minimum":-5,"maximum":123}`, []string{`-5`, `-1`, `0`, `9`, `99`, `123`}, []string{`-6`, `124`, `-0`, `00`, `1000`, `1.0`}},
		{`{"type":"integer","exclusiveMinimum":9.5,"exclusiveMaximum":12}`, []string{`10`, `11`}, []string{`9`, `12`}},
		{`{"type":"integer","multipleOf":7,"minimum":1}`, []string{`7`, `14`, `7000`, `777777`}, []string{`0`, `8`, `-7`}},
		{`{"type":"number","minimum":0,"maximum":1}`, []string{`0`, `1`, `0.5`, `1.0`, `0.000`}, []string{`-0.1`, `1.1`, `2`, `1.01`, `-0`}},
		{`{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.25}`, []string{`0.001`, `1`, `1.2`, `1.2499`, `1.0`}, []string{`0`, `0.0`, `1.25`, `1.250`, `1.26`}},
		{`{"type":"number","minimum":-1.5,"maximum":-0.25}`, []string{`-1.5`, `-0.25`, `-1`, `-0.9`}, []string{`-0.2`, `-1.6`, `0`, `-2`}},
		{`{"type":"number","multipleOf":0.01}`, []string{`1`, `-1.5`, `0.25`}, []string{`0.125`, `1e2`}},
		{`{"type":"number","multipleOf":0.1,"minimum":0.25,"exclusiveMaximum":2}`, []string{`0.3`, `1`, `1.9`}, []string{`0.2`, `0.25`, `2`, `2.0`, `1.95`}},
		{`{"allOf":[{"type":"number","multipleOf":0.01},{"multipleOf":1e-1}]}`, []string{`0.1`}, []string{`0.01`}},
		{`{"type":"number"}`, []string{`1e5`, `1.5E-10`, `0`, `-0.0`}, []string{`1e100`, `.5`, `1.`, `+1`}},
		{`{"type":"string","pattern":"^[A-Z]{2}-\\d+$"}`, []string{`"AB-1"`, `"AB-123"`}, []string{`"A-1"`, `"AB-"`, `"AB-1x"`, `"xAB-1"`}},
		{`{"type":"string","pattern":"a.c"}`, []string{`"abc"`, `"xxaéc\"\\"`, `"a\tc"`}, []string{`"ac"`, `"a\nc"`, `"a\u2028c"`}},
		{`{"type":"string","pattern":"^.*$","maxLength":2}`, []string{`""`, `"é😀"`}, []string{`"abc"`}},
		{`{"type":"string","pattern":"(?i)^straße|x$"}`, []string{`"STRAßE und"`, `"...X"`}, []string{`"strasse"`}},
		{`{"type":"string","pattern":"^\\u00e9\\p{Lu}$"}`, []string{`"éÉ"`}, []string{`"ée"`}},
		{`{"type":"string","pattern":"^\\S\\s[\\s\\d][[]$"}`, []string{`"a 1["`, `"ä\u000b\t["`, "\"x\u00a0\u2028[\""}, []string{"\"\u00a0 1[\"", `"a11["`}},
		{`{"type":"string","format":"ipv6"}`, []string{`"::"`, `"1::"`, `"2001:db8::ff00:42:8329"`, `"1:2:3:4:5:6:7:8"`}, []string{`":"`, `"1:2:3:4:5:6:7:8:9"`, `"1::2::3"`}},
		{`{"type":"string","format":"duration"}`, []string{`"P1Y2M3DT4H5M6S"`, `"PT5M"`, `"P2W"`}, []string{`"P"`, `"PT"`, `"P1YT"`, `"P1W2D"`, `"P1Y2D"`}},
		{`{"type":"string","format":"uri"}`, []string{`"https://example.org:8080/a/b?c=d#e"`}, []string{`"example.org"`, `"https://exa mple.org"`}},
		{`{"type":"string","const":"a","enum":["a","b"]}`, []string{`"a"`}, []string{`"b"`}},
		{`{"type":"string","format":"date"}`, []string{`"2024-02-29"`, `"2023-12-31"`, `"2000-02-29"`}, []string{`"2023-02-29"`, `"1900-02-29"`, `"2023-13-01"`, `"2023-04-31"`}},
		{`{"anyOf":[{"type":"integer"},{"type":"string"}]}`, []string{`1`, `"a"`}, []string{`null`}},
		{`{"type":"object","properties":{"k":{"type":"string"},"a":{"type":"integer"},"b":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`,
			[]string{`{"a":1}`, `{"b":1}`, `{"k":"","a":1,"b":2}`}, []string{`{}`, `{"k":""}`}},
		{`{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"x":{"type":"integer"}},"required":["t","x"]},{"type":"object","properties":{"t":{"const":"b"}},"required":["t"]}]}`,
			[]string{`{"t":"a","x":1}`, `{"t":"b"}`}, []string{`{"t":"a"}`, `{"t":"c"}`}},
		{`{"oneOf":[{"type":"object","properties":{"t":{"const":"a"},"x":{"type":"integer"}}},{"type":"object","properties":{"t":{"const":"b"}}},{"$ref":"#/$defs/c"}],"$defs":{"c":{"type":"object","properties":{"t":{"enum":["c","d"]}}}}}`,
			[]string{`{"t":"a"}`, `{"t":"b"}`, `{"t":"a","x":1}`, `{"t":"d"}`}, []string{`{}`, `{"x":1}`, `{"t":"b","x":1}`}},
		{`{"oneOf":[{"type":"object","properties":{"v":{"const":1},"x":{"type":"integer"}}},{"type":"object","properties":{"v":{"enum":[2,-3.50]}}}]}`,
			[]string{`{"v":1}`, `{"v":1,"x":1}`, `{"v":2}`, `{"v":-3.50}`}, []string{`{}`, `{"v":3}`, `{"v":2,"x":1}`}},
		{`{"enum":[1,2.50,3],"allOf":[{"enum":[1.0,2.5]}]}`, []string{`1`, `2.50`}, []string{`3`, `2.5`}},
		{`{"type":"string","format":"uri","minLength":1,"maxLength":2083}`, []string{`"https://example.org/"`}, []string{`""`, `"x"`}},
		{`{"type":"string","pattern":"^a{2,5}$","minLength":3,"maxLength":4}`, []string{`"aaa"`, `"aaaa"`}, []string{`"aa"`, `"aaaaa"`}},
		{`{"allOf":[{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]},{"properties":{"a":{"type":"integer","minimum":3},"b":{}}}]}`,
			[]string{`{"a":3}`, `{"a":4,"b":0}`}, []string{`{"a":2}`, `{"a":3.5}`, `{"b":0}`}},
		{`{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"null"}]}},"required":["v","next"],"additionalProperties":false}}}`,
			[]string{`{"v":1,"next":null}`, `{"v":1,"next":{"v":2,"next":null}}`}, []string{`{"v":1}`, `{"v":1,"next":{"v":2}}`}},
		{`{"type":"array","items":{"$ref":"#"}}`, []string{`[]`, `[[],[[]]]`}, []string{`[1]`}},
		{`{"definitions":{"a/b":{"const":1}},"$ref":"#/definitions/a~1b","description":"x"}`, []string{`1`}, []string{`2`}},
		{`{"type":"object","properties":{"a":false,"b":true}}`, []string{`{}`, `{"b":1}`}, []string{`{"a":1}`}},
		{`{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"number"}}`, []string{`{}`, `{"a":1}`}, []string{`{"a":""}`}},
		{`{"type":"object","propertyNames":{},"additionalProperties":false}`, []string{`{}`}, []string{`{"a":1}`}},
		{`{"type":"object","propertyNames":true,"required":["a"]}`, []string{`{"a":1}`}, []string{`{}`}},
		{`{"type":"object","properties":{"a":{"type":"object","properties":{"x":{"$ref":"#/properties/a"}}}},"required":["a"]}`, []string{`{"a":{"x":{"x":{}}}}`}, []string{`{}`}},
	} {
		g := compileSchema(t, c.schema)
		for _, text := range c.yes {
			if _, ok := accepts(g, text); !ok {
				t.Errorf("%s does not accept %s", c.schema, text)
			}
		}
		for _, text := range c.no {
			if _, ok := accepts(g, text); ok {
				t.Errorf("%s accepts %s", c.schema, text)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ schema, at, keyword string }{
		{`{"not":{"type":"null"}}`, "", "not"},
		{`{"type":"object","properties":{"a":{"type":"array","uniqueItems":true}}}`, "/properties/a", "uniqueItems"},
		{`{"properties":{"a/b":{"frob":1}}}`, "/properties/a~1b", "frob"},
		{`{"type":"strin"}`, "", "type"},
		{`{"propertyNames":{"type":"string","minLength":1}}`, "", "propertyNames"},
		{`{"propertyNames":{"type":"integer"}}`, "", "propertyNames"},
		{`{"propertyNames":false}`, "", "propertyNames"},
		{`{"type":"string","pattern":"(?=a)b"}`, "", "pattern"},
		{`{"type":"string","pattern":"\\bword"}`, "", "pattern"},
		{`{"type":"string","pattern":"[\\S]"}`, "", "pattern"},
		{`{"type":"string","pattern":"\\Aword"}`, "", "pattern"},
		{`{"type":"string","pattern":"[]a]"}`, "", "pattern"},
		{`{"type":"string","pattern":"\\ud83d"}`, "", "pattern"},
		{`{"const":"a","enum":["b"]}`, "", ""},
		{`{"type":"string","pattern":"^(a|b|ab){500}(b|c|bc){500}(.*x.{12})$"}`, "", "pattern"},
		{`{"type":"string","format":"iri"}`, "", "format"},
		{`{"type":"number","multipleOf":0.02}`, "", "multipleOf"},
		{`{"oneOf":[{"type":"integer"},{"type":"number"}]}`, "", "oneOf"},
		{`{"oneOf":[{"type":"object"},{"type":"object"}]}`, "", "oneOf"},
		{`{"oneOf":[{"const":1},{"const":1.0}]}`, "", "oneOf"},
		{`{"oneOf":[{"const":100},{"const":1e2}]}`, "", "oneOf"},
		{`{"oneOf":[{"const":0},{"const":-0.0}]}`, "", "oneOf"},
		{`{"oneOf":[{"const":1e300},{"const":2}]}`, "", "oneOf"},
		{`{"oneOf":[{"const":[1]},{"const":[2]}]}`, "", "oneOf"},
		{`{"$ref":"#"}`, "", "$ref"},
		{`{"allOf":[{"$ref":"#"}],"type":"object"}`, "/allOf/0", "$ref"},
		{`{"$ref":"http://example.com/x"}`, "", "$ref"},
		{`{"$ref":"#/$defs/none"}`, "", "$ref"},
		{`false`, "", ""},
		{`{"allOf":[{"type":"string"},{"type":"integer"}]}`, "", ""},
		{`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`, "", ""},
		{`{"type":"integer","minimum":5,"maximum":4}`, "", ""},
		{`{"type":"string","minLength":3,"pattern":"^..$"}`, "", ""},
		{`{"enum":["a"],"minLength":3}`, "", "enum"},
		{`{"enum":[5],"maximum":4}`, "", "enum"},
		{`{"enum":["a",{"x":1}],"required":["x"]}`, "", "enum"},
		{`{"const":[1],"minItems":1}`, "", "enum"},
		{`{"enum":["a"],"pattern":"(?=a)"}`, "", "pattern"},
		{`{"enum":[]}`, "", "enum"},
		{`{"a":1,"a":2}`, "", ""},
		{`{"minLength":-1}`, "", "minLength"},
		{`{"minLength":1.5}`, "", "minLength"},
		{`{"minimum":"a"}`, "", "minimum"},
		{`{"required":["a",1]}`, "", "required"},
		{`{"anyOf":[]}`, "", "anyOf"},
		{`[]`, "", ""},
	} {
		spec := Spec{Schema: json.RawMessage(c.schema)}
		text, err := spec.Text()
		if err != nil {
			t.Fatal(err)
		}
		_, err = Compile(text)
		var e *Error
		if !errors.As(err, &e) || e.Path != c.at || e.Keyword != c.keyword {
			t.Errorf("%s: %v, want one about %q at %q", c.schema, err, c.keyword, c.at)
		}
	}
}

// Where the tags of a call are tokens of their own, they may be written as such or spelled, and so in strings.
func TestTagsAreTokensOrText(t *testing.T) {
	const open, end, stop = 256, 257, 258
	v := NewVocab(259, func(id int32) []byte {
		switch id {
		case open:
			return []byte("<tool_call>")
		case end:
			return []byte("</tool_call>")
		case stop:
			return nil
		}
		return []byte{byte(id)}
	})
	g := NewGuide(func() *Vocab { return v })
	defer g.Close()
	spec := Spec{Calls: []Call{{Name: "f", Parameters: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}}}`)}}}
	text, err := spec.Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, spelled := range []bool{false, true} {
		c, err := g.Open(text)
		if err != nil {
			t.Fatal(err)
		}
		tag := func(id int32) []int32 {
			if spelled {
				return bytesOf(string(v.text(id)))
			}
			return []int32{id}
		}
		tokens := slices.Concat(tag(open), bytesOf("\n{\"name\": \"f\", \"arguments\": {\"a\": \""), tag(end), bytesOf("\"}}\n"), tag(end))
		if err := c.Seek(tokens); err != nil || !c.MustEnd() {
			t.Errorf("spelled %v: %v", spelled, err)
		}
		if maskOf(t, c).Has(stop) || allows(t, c, stop) {
			t.Error("a control token is allowed")
		}
	}
}

func compileSpec(s Spec) (*Grammar, error) {
	text, err := s.Text()
	if err != nil {
		return nil, err
	}
	return Compile(text)
}

func TestCalls(t *testing.T) {
	weather := Call{Name: "get_weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`)}
	spec := Spec{Calls: []Call{weather, {Name: "now"}}, Many: true}
	g, err := compileSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Free = true
	free, err := compileSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Many = false
	once, err := compileSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	one := "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>"
	two := "<tool_call>\n{\"name\":\"now\",\"arguments\":{}}\n</tool_call>"
	for text, want := range map[string]bool{one: true, two: true, one + "\n" + two + "\n" + two: true, one + two: false, one + "\n": false,
		strings.Replace(one, "city", "town", 1): false, strings.Replace(two, "now", "then", 1): false, "Hi": false} {
		if _, ok := accepts(g, text); ok != want {
			t.Errorf("%q: %v, want %v", text, ok, want)
		}
	}
	for text, want := range map[string][2]bool{ // free, and with one call at most
		"":                                      {true, true},
		"Let <me> see <<tool_cal>>.\xff":        {true, true},
		one:                                     {true, true},
		"I look: " + one:                        {true, true},
		"<<tool_call" + one:                     {true, true},
		one + "\n" + two + " Done.":             {true, false},
		one + " Done.":                          {true, false},
		"<tool_call>":                           {false, false},
		"the <tool_call> tag":                   {false, false},
		strings.Replace(one, "city", "town", 1): {false, false},
	} {
		_, many := accepts(free, text)
		_, single := accepts(once, text)
		if many != want[0] || single != want[1] {
			t.Errorf("%q: %v and %v, want %v", text, many, single, want)
		}
	}
}

// TestMultiples: whole numbers up to 1000 are enforced, and by many properties of one schema.
func TestMultiples(t *testing.T) {
	for m := int64(1); m <= maxMultiple; m += 9 { // 991 and 1000 are among them
		g := compileSchema(t, fmt.Sprintf(`{"type":"integer","multipleOf":%d}`, m))
		for _, n := range []int64{0, m, -m, 9 * m, -10 * m, 77 * m, 123_456 * m, m + 1, 1 - m, 99*m - 1, 10*m + 7} {
			text := strconv.FormatInt(n, 10)
			if _, ok := accepts(g, text); ok != (n%m == 0) {
				t.Errorf("multiples of %d: %s: %v", m, text, ok)
			}
		}
	}
	var props []string
	for i := range 20 {
		props = append(props, fmt.Sprintf(`"p%d":{"type":"integer","multipleOf":%d,"minimum":%d}`, i, []int{100, 500, 1000, 997}[i%4], -i))
	}
	compileSchema(t, `{"type":"object","properties":{`+strings.Join(props, ",")+`}}`)
}
