package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

type usageExportCmd struct {
	books
	Format string   `enum:"csv,jsonl" default:"csv" help:"CSV with a header (import it as text: users choose their names, and a spreadsheet may run one as a formula), or one JSON object a line."`
	By     []string `default:"day,key,user,model" help:"What to break usage down by: day, key, user, model."`
	From   string   `help:"First day, 2026-02-28 (UTC), or time, 2026-02-28T12:00:00Z."`
	To     string   `help:"Day or time from which on nothing counts any more."`
}

func (c *usageExportCmd) Run(ctx context.Context) error {
	e := account.Export{By: c.By}
	var err error
	if e.From, err = parseInstant("from", c.From); err != nil {
		return err
	}
	if e.To, err = parseInstant("to", c.To); err != nil {
		return err
	}
	a, err := c.dial()
	if err != nil {
		return err
	}
	rows, err := a.Export(ctx, e)
	if err != nil {
		return err
	}
	if c.Format == "csv" {
		if isTerminal(os.Stdout) {
			show(rows)
		}
		return writeCSV(os.Stdout, c.By, rows)
	}
	for i := range rows {
		data, err := json.Marshal(&rows[i])
		if err == nil {
			err = writeJSON(os.Stdout, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isTerminal tells whether people read what is written to a file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show makes names harmless to a terminal.
func show(rows []account.Row) {
	for i := range rows {
		r := &rows[i]
		r.Name, r.User, r.Model = shown(r.Name), shown(r.User), shown(r.Model)
	}
}

func parseInstant(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("--%s %q is neither a day such as 2026-02-28 nor a time such as 2026-02-28T12:00:00Z", flag, s)
	}
	return t, nil
}

// writeCSV writes the columns that the rows are broken down by, and what was used. Names are quoted as CSV has it and otherwise exact,
// also those that a spreadsheet would run as formulas: an apostrophe before them would be another name.
func writeCSV(w io.Writer, by []string, rows []account.Row) error {
	columns := []struct {
		name, by string
		text     func(r *account.Row) string
	}{
		{"day", account.ByDay, func(r *account.Row) string { return r.Day }},
		{"key", account.ByKey, func(r *account.Row) string { return r.Key }},
		{"name", account.ByKey, func(r *account.Row) string { return r.Name }},
		{"user", account.ByUser, func(r *account.Row) string { return r.User }},
		{"model", account.ByModel, func(r *account.Row) string { return r.Model }},
		{"requests", "", func(r *account.Row) string { return strconv.Itoa(r.Requests) }},
		{"prompt_tokens", "", func(r *account.Row) string { return strconv.Itoa(r.Prompt) }},
		{"cached_tokens", "", func(r *account.Row) string { return strconv.Itoa(r.Cached) }},
		{"completion_tokens", "", func(r *account.Row) string { return strconv.Itoa(r.Completion) }},
		{"cost", "", func(r *account.Row) string { return r.Cost.String() }},
	}
	out := csv.NewWriter(w)
	for i := range len(rows) + 1 {
		var line []string
		for _, c := range columns {
			switch {
			case c.by != "" && !slices.Contains(by, c.by):
			case i == 0:
				line = append(line, c.name)
			default:
				line = append(line, c.text(&rows[i-1]))
			}
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
