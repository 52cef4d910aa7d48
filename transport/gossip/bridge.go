package gossip

import (
	"context"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
)

// bridge writes memberlist's lines to slog. A stranger that keeps knocking would fill the log, so a line that
// differs from an earlier one only in digits (ports, counts) is written at most once a minute.
type bridge struct {
	log *slog.Logger

	mu   sync.Mutex
	seen map[string]time.Time
}

const (
	bridgeQuiet = time.Minute
	bridgeSeen  = 256
)

func newBridge(l *slog.Logger) *log.Logger {
	return log.New(&bridge{log: l, seen: map[string]time.Time{}}, "", 0)
}

// Write implements io.Writer for one line, "[LEVEL] memberlist: text".
func (b *bridge) Write(p []byte) (int, error) {
	line := strings.TrimSpace(string(p))
	level := slog.LevelDebug
	if tag, rest, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(tag, "[") {
		line = strings.TrimPrefix(rest, "memberlist: ")
		switch tag {
		case "[ERR", "[ERROR":
			level = slog.LevelWarn
		case "[WARN":
			level = slog.LevelInfo
		}
	}
	if level > slog.LevelDebug && b.again(line) {
		level = slog.LevelDebug
	}
	b.emit(level, line)
	return len(p), nil
}

// emit names the two causes that a person can do something about.
func (b *bridge) emit(level slog.Level, line string) {
	ctx := context.Background()
	switch {
	case strings.Contains(line, "unacceptable label"):
		b.log.Log(ctx, level, "refused a peer of another cluster", "detail", line)
	case strings.Contains(line, "decrypt"):
		b.log.Log(ctx, level, "refused a peer that has another secret", "detail", line)
	default:
		b.log.Log(ctx, level, "gossip: "+line)
	}
}

// again tells whether a line like this was written within the last minute, and notes it.
func (b *bridge) again(line string) bool {
	key := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, line)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if last, ok := b.seen[key]; ok && now.Sub(last) < bridgeQuiet {
		return true
	}
	if len(b.seen) >= bridgeSeen {
		clear(b.seen)
	}
	b.seen[key] = now
	return false
}
