package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
)

// computeFlags say what a shard may use of its machine.
type computeFlags struct {
	Threads int    `default:"0" env:"STAGECOACH_THREADS" help:"Compute threads of each shard (0: all cores)."`
	Memory  int64  `default:"0" env:"STAGECOACH_MEMORY" help:"Bytes that weights and KV may take (0: 9/10 of what is free)."`
	Speeds  string `hidden:"" help:"Measured already: bytes/s,multiply-adds/s."`
}

func (c *computeFlags) threads() int {
	if c.Threads > 0 {
		return c.Threads
	}
	return runtime.NumCPU()
}

func (c *computeFlags) memory() int64 {
	if c.Memory > 0 {
		return c.Memory
	}
	return availableMemory() / 10 * 9
}

// speeds are what placement needs to know of a machine.
type speeds struct {
	Bytes float64 // weights read per second
	Ops   float64 // int8 multiply-adds per second
}

// String is the form of --speeds.
func (s speeds) String() string { return fmt.Sprintf("%.4g,%.4g", s.Bytes, s.Ops) }

// speeds parses --speeds, or measures.
func (c *computeFlags) speeds() (speeds, error) {
	var s speeds
	if c.Speeds == "" {
		return measureSpeeds(c.threads())
	}
	if _, err := fmt.Sscanf(c.Speeds, "%g,%g", &s.Bytes, &s.Ops); err != nil {
		return s, fmt.Errorf("--speeds %q: want bytes/s,multiply-adds/s", c.Speeds)
	}
	return s, nil
}

func measureSpeeds(threads int) (s speeds, err error) {
	pool := kernels.NewPool(threads)
	defer pool.Close()
	if s.Bytes, err = kernels.ReadBandwidth(pool); err != nil {
		return s, err
	}
	s.Ops, err = kernels.Int8Rate(pool)
	s.Ops /= 2 // the kernels count multiplication and addition
	return s, err
}

// availableMemory is what the system can give without swapping, in bytes; 4 GiB where it does not say.
func availableMemory() int64 {
	const unknown = 4 << 30
	free := int64(unknown)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var kib int64
			if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kib); n == 1 {
				free = kib << 10
			}
		}
	}
	return min(free, containerLimit())
}

// containerLimit is the memory limit of the control group, if there is one.
func containerLimit() int64 {
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var n int64
		if _, err := fmt.Sscan(strings.TrimSpace(string(b)), &n); err == nil && n > 0 {
			return n
		}
	}
	return 1 << 60
}
