package chat

import (
	"os"
	"path/filepath"
	"testing"
)

// fixture returns the path of a test file that is kept outside of the repository.
func fixture(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("STAGECOACH_FIXTURES")
	if root == "" {
		root = findFixtures()
	}
	path := filepath.Join(root, name)
	if _, err := os.Stat(path); root == "" || err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("fixture %s is missing: set STAGECOACH_FIXTURES", name)
		}
		t.Skipf("fixture %s is missing: set STAGECOACH_FIXTURES", name)
	}
	return path
}

// findFixtures looks for shared/fixtures beside the repository.
func findFixtures() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		path := filepath.Join(dir, "shared", "fixtures")
		if _, err := os.Stat(path); err == nil {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}
