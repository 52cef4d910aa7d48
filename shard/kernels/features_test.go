package kernels

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestFeatures: Linux names the same instruction sets, some with an underscore in between.
func TestFeatures(t *testing.T) {
	b, err := os.ReadFile("/proc/cpuinfo")
	field := map[string]string{"amd64": "\nflags", "arm64": "\nFeatures"}[runtime.GOARCH]
	if err != nil || field == "" || !strings.Contains(string(b), field) { // an emulated processor shows the real one's file
		t.Skip("no /proc/cpuinfo to compare with")
	}
	known := strings.Fields(strings.ReplaceAll(string(b), "_", ""))
	for _, f := range Features() {
		if !slices.Contains(known, f) {
			t.Errorf("%s is listed, and /proc/cpuinfo has it not", f)
		}
	}
	if Path() != "generic" && len(Features()) == 0 {
		t.Errorf("the kernels are %s and no instruction set is listed", Path())
	}
}
