package qwen2

import (
	"os"
	"path/filepath"
	"testing"
)

// fixture finds a file of the shared fixtures: below STAGECOACH_FIXTURES, or below shared/fixtures of a folder above
// this one. Where there is none the test is skipped, in CI it fails.
func fixture(t testing.TB, name string) string {
	t.Helper()
	if dir := os.Getenv("STAGECOACH_FIXTURES"); dir != "" {
		return filepath.Join(dir, name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "shared", "fixtures", name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("no fixture %s (set STAGECOACH_FIXTURES)", name)
	}
	t.Skipf("no fixture %s (set STAGECOACH_FIXTURES)", name)
	return ""
}
