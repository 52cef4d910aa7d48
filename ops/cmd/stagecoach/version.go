package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// version is set by the linker for a release.
var version = "dev"

type versionCmd struct{ output }

// versionInfo is what version prints: the build, and which kernels it computes with on this machine. Shards work
// together only if arithmetic version and digest are equal; the kernels may differ.
type versionInfo struct {
	Version    string   `json:"version"`
	Go         string   `json:"go"`
	Platform   string   `json:"platform"`
	Kernels    string   `json:"kernels"`
	Available  []string `json:"available_kernels"`
	Features   []string `json:"cpu_features"`
	Arithmetic int      `json:"arithmetic"`
	Digest     string   `json:"digest"`
}

func (c *versionCmd) Run() error {
	v := versionInfo{
		Version: buildVersion(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Kernels: kernels.Path(), Available: kernels.Paths(), Features: kernels.Features(),
		Arithmetic: kernels.ArithmeticVersion, Digest: kernels.Digest(),
	}
	return c.print(v, func(w io.Writer) {
		fmt.Fprintf(w, "stagecoach %s %s %s\n", v.Version, v.Go, v.Platform)
		fmt.Fprintf(w, "kernels:\t%s (of %s; STAGECOACH_KERNELS chooses)\n", v.Kernels, strings.Join(v.Available, ", "))
		fmt.Fprintf(w, "processor:\t%d cores, %s\n", runtime.NumCPU(), strings.Join(v.Features, " "))
		fmt.Fprintf(w, "arithmetic:\tversion %d, digest %s\n", v.Arithmetic, v.Digest)
	})
}

// buildVersion is the release, or the commit that the binary was built from.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if version != "dev" || !ok {
		return version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return version + "-" + s.Value[:12]
		}
	}
	return version
}
