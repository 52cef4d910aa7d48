package telemetry

import (
	"fmt"
	"io"
	"log/slog"
)

// LogOptions of a role's log.
type LogOptions struct {
	Role  string
	Node  string // "" leaves the attribute out
	Level string // debug, info, warn, error, or with an offset as in "info+2"; "" is info
	JSON  bool   // one JSON object a line instead of key=value text
}

// Logger makes a logger that writes to w and names role and node in every line.
func Logger(w io.Writer, o LogOptions) (*slog.Logger, error) {
	var level slog.Level
	if o.Level != "" {
		if err := level.UnmarshalText([]byte(o.Level)); err != nil {
			return nil, fmt.Errorf("telemetry: log level %q: want debug, info, warn or error", o.Level)
		}
	}
	var h slog.Handler = slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	if o.JSON {
		h = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	}
	log := slog.New(h).With("role", o.Role)
	if o.Node != "" {
		log = log.With("node", o.Node)
	}
	return log, nil
}
