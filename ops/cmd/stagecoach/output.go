package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// output is how a command prints: a table for people, or JSON for programs.
type output struct {
	JSON bool `help:"Print JSON." short:"j"`
}

// print writes v as JSON, or what table writes.
func (o *output) print(v any, table func(io.Writer)) error {
	if o.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	table(w)
	return w.Flush()
}

// bytesText gives a size with a binary unit: 512 B, 7.6 MiB, 4.1 GiB.
func bytesText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, u := float64(n), 0
	for f >= 1024 && u < len(units)-1 {
		f, u = f/1024, u+1
	}
	if u == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

// millis gives nanoseconds as milliseconds: 1.24 ms.
func millis(ns int64) string { return fmt.Sprintf("%.2f ms", float64(ns)/1e6) }

// layersText names the layers [first, last).
func layersText(first, last int) string {
	if last-first == 1 {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d..%d", first, last-1)
}
