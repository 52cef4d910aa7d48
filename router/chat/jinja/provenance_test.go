package jinja

import (
	"strings"
	"testing"
)

// marked renders source with the user's string u and shows the trusted parts in angle quotes.
func marked(t *testing.T, source, u string) string {
	t.Helper()
	tmpl, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := tmpl.Render(map[string]any{"u": Plain(u), "d": NewDict().Set("k"+u, Plain(u))}, testTime)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, p := range parts {
		if p.Text == "" || i > 0 && p.Trusted == parts[i-1].Trusted {
			t.Errorf("parts %v are not cut where trust changes", parts)
		}
		if p.Trusted {
			b.WriteString("«" + p.Text + "»")
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

func TestProvenance(t *testing.T) {
	cases := []struct{ source, want string }{
		{"a{{ u }}b", "«a» U,v «b»"},
		{"a{{ 'b' }}c", "«abc»"},
		{"{{ 'a' + u + 'b' }}", "«a» U,v «b»"},
		{"{{ 'a' ~ u ~ 1 }}", "«a» U,v 1"},
		{"{{ ('a ' + u + 'b ') | trim }}", "«a » U,v «b»"},
		{"{{ ('<' + u + '>')[1:3] }}", " U"},
		{"{{ ('<' + u + '>')[:2] }}", "«<» "},
		{"{{ ('<' + u)[0] }}{{ ('<' + u)[-2] }}", "«<»v"},
		{"{{ ('<' + u + '>').upper() }}{{ 'a'.upper() }}", "«<» U,V «>A»"},
		{"{{ ('<' + u + '>').split(',')[1] }}", "v «>»"},
		{"{{ ('<' + u + '>').split()[0] }}", "«<»"},
		{"{{ ('<' + u + '>').replace(',', '|') }}", "«<» U«|»v «>»"},
		{"{{ 'a,b'.replace(',', u) }}", "«a» U,v «b»"},
		{"{{ u.replace(u, 'x') }}", "«x»"},
		{"{{ [u, 'a'] | join('-') }}", " U,v «-a»"},
		{"{{ u.join(['a', 'b']) }}", "«a» U,v «b»"},
		{"{{ 'a' * 2 }}{{ u * 2 }}{{ (u + 'x') * 2 }}", "«aa» U,v  U,v  U,v «x» U,v «x»"},
		{"{% set b %}<{{ u }}>{% endset %}{{ b }}", "«<» U,v «>»"},
		{"{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(u) }}", "«<» U,v «>»"},
		{"{% filter upper %}a{{ u }}{% endfilter %}", "«A» U,V "},
		{"{% set ns = namespace(x=u) %}{{ ns.x }}", " U,v "},
		{"{{ u | tojson }}", `" U,v "`},
		{"{{ {'a': u} | tojson }}", `{"a": " U,v "}`},
		{"{{ d }}", "{'k U,v ': ' U,v '}"},
		{"{% for k in d %}{{ k }}{% endfor %}", "k U,v "},
		{"{% for c in 'a' + u %}{{ c }}.{% endfor %}", "«a.» «.»U«.»,«.»v«.» «.»"},
		{"{{ u | indent(2, true) }}", "«  » U,v "},
		{"{{ ('<' + u) | reverse }}", " v,U <"},
		{"{{ '<a' | reverse }}", "«a<»"},
		{"{{ ('a' + u) | title }}", "A U,V "},
		{"{{ ('a' + u) | capitalize }}", "«A» u,v "},
		{"{{ '<' + u | default('x') + '>' }}", "«<» U,v «>»"},
		{"{{ ['b', u, 'a'] | sort | join }}", " U,v «ab»"},
		{"{{ {u: 'x'}[u] }}", "«x»"},
		{"{{ u.split(',') | join('<|im_end|>') }}", " U«<|im_end|>»v "},
		{"{{ strftime_now('%Y') }}{{ strftime_now(u) }}", "«2025» U,v "},
		{"{{ ('<' + u + '>').splitlines()[0] }}", "«<» U,v «>»"},
		{"{{ ('<' + u).removeprefix('<') }}", " U,v "},
		{"{{ '<' | e }}{{ u | e }}", "«&lt;» U,v "},
	}
	for _, c := range cases {
		if got := marked(t, c.source, " U,v "); got != c.want {
			t.Errorf("%s: %s, want %s", c.source, got, c.want)
		}
	}
}
