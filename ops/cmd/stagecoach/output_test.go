package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// hostile are names that forge a row or give a terminal orders: with ESC, with the one-character form of ESC [, from right to left,
// in a byte that is no text and that a tabwriter takes for an order.
var hostile = []string{"x\nkey_y\tann", "\x1b[2J\x1b]0;title\a", "\u009b2J", "a\u202eb", "a\xffb", "\r", "\"quoted\""}

func TestShown(t *testing.T) {
	for _, name := range []string{"", "ann", "Ann Müller", "名前", "a@b.c", "=1+1", `say "hi"`, "sk-…y4ma"} {
		if got := shown(name); got != name {
			t.Errorf("%q is shown as %s", name, got)
		}
	}
	for _, name := range hostile {
		if got := shown(name); got == name || !printable(got) {
			t.Errorf("%q is shown as %q", name, got)
		}
	}
}

func printable(s string) bool { return shownText(s) == s && !strings.ContainsAny(s, "\n\t") }

// TestTablesOfHostileNames: whatever they are called, each has one line, and nothing in it but text and the table's own tabs.
func TestTablesOfHostileNames(t *testing.T) {
	for _, name := range hostile {
		for table, write := range map[string]func(w *bytes.Buffer){
			"usage": func(w *bytes.Buffer) { usageTable(w, []account.Total{{Key: "key_x", Name: name, User: name}}) },
			"keys": func(w *bytes.Buffer) {
				keyTable(w, []account.Key{{ID: "key_x", Name: name, Hint: name, Models: []string{name}}})
			},
			"stages": func(w *bytes.Buffer) {
				stageTable(w, []wire.StageStatus{{Node: name}})
			},
		} {
			var w bytes.Buffer
			write(&w)
			lines := strings.Split(strings.TrimSuffix(w.String(), "\n"), "\n")
			if len(lines) != 2 || strings.Count(lines[0], "\t") != strings.Count(lines[1], "\t") || shownText(lines[1]) != lines[1] {
				t.Errorf("%s: %q", table, lines)
			}
		}
		var w bytes.Buffer
		statusTable(&w, &wire.Status{Model: name, Cluster: name, Reason: name, Nodes: []wire.NodeStatus{{Node: name, Host: name, Reason: name}}})
		if lines := strings.Count(w.String(), "\n"); lines != 10 || shownText(w.String()) != w.String() {
			t.Errorf("status: %d lines, %q", lines, w.String())
		}
	}
}

// TestExportsAreExact: data stays what it is, and JSON is harmless all the same.
func TestExportsAreExact(t *testing.T) {
	for _, name := range append(hostile, "=1+1", "+1", "-1", "@x", "😀\U000e0001") {
		if name == "a\xffb" {
			continue // neither API nor ledger has it: JSON is Unicode
		}
		var w bytes.Buffer
		if err := writeCSV(&w, []string{account.ByUser}, []account.Row{{User: name}}); err != nil {
			t.Fatal(err)
		}
		if lines, err := csv.NewReader(&w).ReadAll(); err != nil || len(lines) != 2 || lines[1][0] != strings.ReplaceAll(name, "\r\n", "\n") {
			t.Errorf("%q: %q, %v", name, lines, err)
		}
		data, err := json.Marshal(account.Row{User: name})
		if err != nil {
			t.Fatal(err)
		}
		w.Reset()
		if err := writeJSON(&w, data); err != nil {
			t.Fatal(err)
		}
		var back account.Row
		if err := json.Unmarshal(w.Bytes(), &back); err != nil || back.User != name || !printable(strings.TrimSuffix(w.String(), "\n")) {
			t.Errorf("%q: %s, %v", name, w.String(), err)
		}
	}
}
