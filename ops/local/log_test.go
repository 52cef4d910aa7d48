package local

import (
	"os"
	"path/filepath"
	"testing"
)

func TestLogTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := openLog(path, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"one two\n", "three\n", "four\n", "a line longer than the file may be\n"} {
		if n, err := l.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	l.Close()
	if l, err = openLog(path, 10); err != nil { // what an earlier run has written counts
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.Write([]byte("five\n")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{path: "five\n", path + ".1": "a line longer than the file may be\n"} {
		if b, err := os.ReadFile(name); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v, want %q", name, b, err, want)
		}
	}
}
