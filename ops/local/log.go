package local

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// maxLog is how long the log file may grow.
const maxLog = 32 << 20

// LogFile is where the roles' output goes.
func (f *Folder) LogFile() string { return filepath.Join(f.Dir, "log") }

// Log is the roles' log file. When it is full it is renamed to log.1, in place of the one before, and begun anew.
type Log struct {
	path string
	max  int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenLog appends to the folder's log.
func (f *Folder) OpenLog() (*Log, error) { return openLog(f.LogFile(), maxLog) }

func openLog(path string, limit int64) (*Log, error) {
	l := &Log{path: path, max: limit}
	return l, l.open()
}

func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("local: open log: %w", err)
	}
	l.file, l.size = f, 0
	if info, err := f.Stat(); err == nil {
		l.size = info.Size()
	}
	return nil
}

// Write appends b whole to one file.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > 0 && l.size+int64(len(b)) > l.max {
		l.turn()
	}
	n, err := l.file.Write(b)
	l.size += int64(n)
	return n, err
}

// turn begins a new file. Where that fails the old one goes on, and it is tried again after as many bytes.
func (l *Log) turn() {
	old := l.file
	if os.Rename(l.path, l.path+".1") != nil || l.open() != nil {
		l.size = 0
		return
	}
	old.Close()
}

// Close closes the file.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
