package jinja

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

var testTime = time.Date(2025, 3, 4, 15, 6, 7, 0, time.UTC)

// render renders source with the members of a JSON object, without provenance.
func render(source, vars string) (string, error) {
	t, err := Parse(source)
	if err != nil {
		return "", err
	}
	all := map[string]any{}
	if vars != "" {
		v, err := FromJSON([]byte(vars))
		if err != nil {
			return "", err
		}
		d := v.(*Dict)
		for _, k := range d.keys {
			all[k] = d.values[k]
		}
	}
	parts, err := t.Render(all, testTime)
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String(), err
}

// TestReference: everything that is written here reads as Jinja2 reads it (testdata/record.py).
func TestReference(t *testing.T) {
	data, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Vars  json.RawMessage
		Cases []struct {
			Source string
			Output string
			Error  string
		}
	}
	if err := json.Unmarshal(data, &all); err != nil || len(all.Cases) == 0 {
		t.Fatalf("%d cases, %v", len(all.Cases), err)
	}
	for _, c := range all.Cases {
		got, err := render(c.Source, string(all.Vars))
		var e *Error
		switch {
		case c.Error != "" && !errors.As(err, &e):
			t.Errorf("%s\n got %q, %v\nwant an error (%s)", c.Source, got, err, c.Error)
		case c.Error == "" && (err != nil || got != c.Output):
			t.Errorf("%s\n got %q, %v\nwant %q", c.Source, got, err, c.Output)
		}
	}
}
