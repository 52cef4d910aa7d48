package jinja

import (
	"errors"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	deep := strings.Repeat("[", 400) + strings.Repeat("]", 400)
	cases := []struct{ name, source, vars, want string }{
		{"steps", "{% for i in range(10000) %}{% for j in range(10000) %}x{% endfor %}{% endfor %}", "", "more than 1048576 steps"},
		{"empty loops", "{% for i in range(10000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}", "", "steps"},
		{"doubling", "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", "", "bytes of text"},
		{"repeat", "{{ 'x' * 9999999999 }}", "", "bytes of text"},
		{"repeat nothing", "{{ ('' * 999999) | length }}", "", ""},
		{"list", "{{ [1] * 99999999 }}", "", "262144 items"},
		{"doubling lists", "{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", "", "262144 items"},
		{"range", "{{ range(99999999999) }}", "", "262144 items"},
		{"range at the end of integers", "{{ range(9223372036854775800, 9223372036854775807, 5) | length }}", "", ""},
		{"macros", "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "", "macro m: more than 50 calls"},
		{"nesting by loop", "{% set ns = namespace(l=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}", "", "nested too deep"},
		{"comparing", "{% set ns = namespace(l=[], m=[]) %}{% for i in range(1000) %}{% set ns.l = [ns.l] %}{% set ns.m = [ns.m] %}{% endfor %}{{ ns.l == ns.m }}", "", "nested too deep"},
		{"brackets", "{{ " + deep + " }}", "", "nested more than 200 deep"},
		{"minuses", "{{ " + strings.Repeat("-", 1000) + "1 }}", "", "nested more than 200 deep"},
		{"nots", "{{ " + strings.Repeat("not ", 1000) + "1 }}", "", "nested more than 200 deep"},
		{"sums", "{{ 1" + strings.Repeat("+1", 1000) + " }}", "", "operators in a row"},
		{"ors", "{{ 1" + strings.Repeat(" or 1", 1000) + " }}", "", "operators in a row"},
		{"filters", "{{ 1" + strings.Repeat("|abs", 1000) + " }}", "", "filters in a row"},
		{"attributes", "{{ x" + strings.Repeat(".y", 1000) + " }}", "", "attributes in a row"},
		{"ifs", strings.Repeat("{% if 1 %}", 1000), "", "nested more than 200 deep"},
		{"input", "{{ x }}", `{"x": ` + deep + `}`, "nested too deep"},
		{"tojson's indent", "{{ [1] | tojson(indent=99999999) }}", "", "indent must be between"},
		{"integers", "{{ 9223372036854775807 + 1 }}", "", "larger than 64 bits"},
		{"literal", "{{ 9223372036854775808 }}", "", "too large"},
		{"power", "{{ 3 ** 99999999 }}", "", "larger than 64 bits"},
		{"power of one", "{{ (-1) ** 9999999999 }}", "", ""},
		{"smallest quotient", "{{ (-9223372036854775807 - 1) // -1 }}", "", "larger than 64 bits"},
		{"smallest remainder", "{{ (-9223372036854775807 - 1) % -1 }}", "", ""},
		{"smallest product", "{{ (-9223372036854775807 - 1) * -1 }}", "", "larger than 64 bits"},
		{"far slice", "{{ 'abc'[-9223372036854775807:9223372036854775807:9223372036854775807] }}", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := render(c.source, c.vars)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestErrorsSayTheLine(t *testing.T) {
	cases := []struct {
		source string
		line   int
		want   string
	}{
		{"\n\n{{ x.y }}", 3, `"x" is undefined`},
		{"{# a\nb #}\n{{ 'a' + 1 }}", 3, "a string + an integer is not possible"},
		{"{% if true %}\n{{ 1 / 0 }}\n{% endif %}", 2, "division by zero"},
		{"{{ 'a\nb' }}{{ nothing() }}", 2, `"nothing" is undefined`},
		{"a\n{% for x in 5 %}{% endfor %}", 2, "an integer cannot be gone through"},
		{"a\n{% for x in [1] %}\n{% if x %}", 3, "if is never closed by endif"},
		{"a\n{{ 'x", 2, "never closed"},
		{"a\n{% set x = %}", 2, "expected an expression, found %}"},
		{"{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}", 2, "division by zero"},
		{"{% macro m() %}\n{% endmacro %}\n{{ m() + 1 }}", 3, "a string + an integer"},
		{"{{ 1\n| nope }}", 2, `filter "nope" is not known`},
		{"\n{{ x | tojson(1, 2, 3, 4, 5) }}", 2, "tojson takes 4 arguments, not 5"},
		{"\n{{ 'a'.split(foo=1) }}", 2, `split takes no argument "foo"`},
		{"\n{{ 'a'.split(1) }}", 2, `argument "sep" of split must be a string, not an integer`},
		{"\n{{ 'a'.replace('b') }}", 2, `replace needs argument "new"`},
		{"\n{{ [1] + 'a' }}", 2, "a list + a string is not possible"},
		{"{% set l = [1] %}\n{{ l.append(2) }}", 2, "a list cannot be changed"},
		{"{% set l.x = 1 %}", 1, "l is not a namespace"},
		{"{% for x in [] recursive %}{% endfor %}", 1, "recursive loops are not supported"},
		{"\n{% include 'x' %}", 2, `tag "include" is unknown`},
	}
	for _, c := range cases {
		_, err := render(c.source, "")
		var e *Error
		if !errors.As(err, &e) || e.Line != c.line || e.Raised || !strings.Contains(e.Reason, c.want) {
			t.Errorf("%q: error %v, want line %d: %s", c.source, err, c.line, c.want)
		}
	}
}

func TestRaised(t *testing.T) {
	_, err := render("\n{{ raise_exception('roles must ' + 'alternate') }}", "")
	var e *Error
	if !errors.As(err, &e) || !e.Raised || e.Line != 2 || e.Reason != "roles must alternate" {
		t.Errorf("error %#v", err)
	}
}

// A dict that was read from JSON is its text where a template concatenates it, and a dict elsewhere.
func TestDictWhereTextIsMeant(t *testing.T) {
	d, err := FromJSON([]byte(`{"a":1,  "b":"é"}`))
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := Parse("{{ '<' + d + '>' }}{{ d.a }}{{ d | tojson }}{{ 'x' + {'y': 1} }}")
	if err != nil {
		t.Fatal(err)
	}
	parts, err := tmpl.Render(map[string]any{"d": d}, testTime)
	var got string
	for _, p := range parts {
		got += p.Text
	}
	if want := `<{"a":1,  "b":"é"}>1{"a": 1, "b": "é"}x{"y": 1}`; err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}

func TestMentions(t *testing.T) {
	tmpl, err := Parse("tools {# calls #}{{ message['tool_calls'] }}{{ x.functions }}")
	if err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]bool{"tools": false, "calls": false, "tool_calls": true, "functions": true, "message": true} {
		if tmpl.Mentions(word) != want {
			t.Errorf("mentions %s: %v", word, !want)
		}
	}
}

func TestFromJSONRefuses(t *testing.T) {
	for _, s := range []string{"", "{", "[1", `{"a"}`, "1 2", "nul", `{"a":1}}`, "1e999", `{1:2}`} {
		if v, err := FromJSON([]byte(s)); err == nil {
			t.Errorf("%q is %v", s, v)
		}
	}
}
