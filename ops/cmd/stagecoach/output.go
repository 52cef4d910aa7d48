package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode/utf16"
	"unicode/utf8"
)

// output is how a command prints: a table for people, or JSON for programs. JSON has names exactly, escaped so that a terminal
// takes none of them for orders; in tables they are shown.
type output struct {
	JSON bool `help:"Print JSON." short:"j"`
}

// print writes v as JSON, or what table writes.
func (o *output) print(v any, table func(io.Writer)) error {
	if o.JSON {
		data, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			return err
		}
		return writeJSON(os.Stdout, data)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	table(w)
	return w.Flush()
}

// writeJSON writes a line of JSON in which whatever does not print is escaped.
func writeJSON(w io.Writer, data []byte) error {
	out := make([]byte, 0, len(data)+1)
	for _, r := range string(data) {
		switch {
		case strconv.IsPrint(r) || r == '\n':
			out = utf8.AppendRune(out, r)
		default:
			for _, unit := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, unit)
			}
		}
	}
	_, err := w.Write(append(out, '\n'))
	return err
}

// shown makes a name that others chose fit for a table and harmless to a terminal: one that does not print as it is, or looks
// quoted, is quoted.
func shown(name string) string {
	if name != "" && (name[0] == '"' || strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) || !utf8.ValidString(name)) {
		return strconv.Quote(name)
	}
	return name
}

// shownText is a text of several lines, such as an error, with what does not print made visible.
func shownText(text string) string {
	var out strings.Builder
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		if strconv.IsPrint(r) || r == '\n' || r == '\t' {
			out.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return out.String()
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
