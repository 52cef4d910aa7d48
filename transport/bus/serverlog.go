package bus

import (
	"fmt"
	"log/slog"
)

// serverLog is the server's logger over slog. Notices are the server's banner and are debug output here.
type serverLog struct {
	log   *slog.Logger
	fatal chan string // the first reason why the server cannot go on
}

func newServerLog(l *slog.Logger) *serverLog {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return &serverLog{log: l, fatal: make(chan string, 1)}
}

func (s *serverLog) Noticef(format string, v ...any) {
	s.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (s *serverLog) Warnf(format string, v ...any) { s.log.Warn("nats: " + fmt.Sprintf(format, v...)) }
func (s *serverLog) Errorf(format string, v ...any) {
	s.log.Error("nats: " + fmt.Sprintf(format, v...))
}
func (s *serverLog) Debugf(format string, v ...any) {
	s.log.Debug("nats: " + fmt.Sprintf(format, v...))
}
func (s *serverLog) Tracef(format string, v ...any) {
	s.log.Debug("nats: " + fmt.Sprintf(format, v...))
}

// Fatalf reports instead of exiting: only main ends the process.
func (s *serverLog) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	s.log.Error("nats: " + text)
	select {
	case s.fatal <- text:
	default:
	}
}
