package jinja

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const userMark = "\ue000"

// FuzzRender: no template panics, and what users wrote is never trusted, whatever a template does with it.
func FuzzRender(f *testing.F) {
	data, err := os.ReadFile("testdata/snippets.json")
	if err != nil {
		f.Fatal(err)
	}
	var snippets struct{ Sources []string }
	if err := json.Unmarshal(data, &snippets); err != nil {
		f.Fatal(err)
	}
	for _, s := range snippets.Sources {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, source, user string) {
		tmpl, err := Parse(source)
		if err != nil {
			return
		}
		if strings.Contains(source, userMark) || strings.Contains(strings.ToLower(source), "e000") {
			t.Skip() // the template writes the mark itself
		}
		u := Plain(userMark + user + userMark)
		users := NewList(NewDict().Set("name", u).Set("age", int64(3)).Set(u.text, u))
		parts, err := tmpl.Render(map[string]any{
			"s": u, "sp": u, "lines": u, "think": u, "html": u, "n": int64(7), "f": 2.5, "t": true, "none": nil,
			"l": NewList(int64(3), u), "ls": NewList(u, u), "users": users, "d": users.items[0],
		}, testTime)
		if err != nil {
			return
		}
		for _, p := range parts {
			if p.Trusted && strings.Contains(p.Text, userMark) {
				t.Fatalf("text of users is trusted: %q", p.Text)
			}
		}
	})
}

func FuzzFromJSON(f *testing.F) {
	f.Add(`{"a": [1, 2.5, null, true, "x\n"], "a": 1e5}`)
	f.Fuzz(func(t *testing.T, s string) {
		v, err := FromJSON([]byte(s))
		if err != nil {
			return
		}
		r := &run{scope: &scope{}}
		out, err := r.json(v, jsonStyle{item: ", ", key: ": "})
		if err != nil {
			return
		}
		again, err := FromJSON([]byte(out))
		if err != nil {
			t.Fatalf("%q became %q: %v", s, out, err)
		}
		if out2, err := r.json(again, jsonStyle{item: ", ", key: ": "}); err != nil || out2 != out {
			t.Fatalf("%q, then %q, %v", out, out2, err)
		}
	})
}
