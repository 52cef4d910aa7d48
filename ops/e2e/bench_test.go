package e2e

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"
)

// TestBenchEngine: the command measures what its lists ask for, on the demo model.
func TestBenchEngine(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), binary, "bench", "engine", "--json", "--prompt", "8,20", "--batch", "1,2",
		"--context", "0,30", "--threads", "1", "--gen", "4", "--repeat", "2", "--repack", "never").Output()
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Load struct {
			Mapped int64 `json:"mapped_bytes"`
		}
		Prefill []struct{ Tokens int }
		Decode  []struct{ Batch, Context int }
	}
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	if r.Load.Mapped == 0 || len(r.Prefill) != 2 || r.Prefill[1].Tokens != 20 || len(r.Decode) != 4 || r.Decode[3].Context != 30 {
		t.Errorf("%s", out)
	}
}

// TestVersion: version names kernels that this machine has, and every one of them computes the same bits.
func TestVersion(t *testing.T) {
	var v struct {
		Kernels    string
		Available  []string `json:"available_kernels"`
		Arithmetic int
		Digest     string
	}
	version := func(kernels string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, "version", "--json")
		cmd.Env = append(cmd.Environ(), "STAGECOACH_KERNELS="+kernels)
		out, err := cmd.Output()
		if err == nil {
			err = json.Unmarshal(out, &v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	version("")
	best, digest := v.Kernels, v.Digest
	if !slices.Contains(v.Available, best) || v.Arithmetic == 0 || len(digest) != 16 {
		t.Errorf("%+v", v)
	}
	for _, k := range slices.Clone(v.Available) {
		if version(k); v.Kernels != k || v.Digest != digest {
			t.Errorf("forced to %s: kernels %s, digest %s, want %s", k, v.Kernels, v.Digest, digest)
		}
	}
}
