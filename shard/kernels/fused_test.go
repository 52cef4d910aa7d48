package kernels

import (
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// fused are the instructions that the compiler makes of x*y + z on its own.
var fused = regexp.MustCompile(`\t(V?FN?M(ADD|SUB)[0-9A-Z]*)\t`)

// TestCompilerFusesNothing reads what the compiler makes of the packages that compute: a product that is not
// rounded before it is added gives other bits on arm64 and on newer amd64.
func TestCompilerFusesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for two other machines")
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	for _, target := range [][]string{{"GOARCH=arm64"}, {"GOARCH=amd64", "GOAMD64=v3"}} {
		cmd := exec.Command(tool, "build", "-gcflags=-S", "../quant", ".", "../kv", "../qwen2", "../sample")
		cmd.Env = append(append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0"), target...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%.2000s", target, err, out)
		}
		if len(out) < 10000 {
			t.Fatalf("%v: only %d bytes of assembly", target, len(out))
		}
		for _, m := range fused.FindAll(out, 5) {
			t.Errorf("%v: the compiler made%s: write float32(x*y) + z", target, m)
		}
	}
}
