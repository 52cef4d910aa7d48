package main

import (
	"fmt"
	"runtime"

	"github.com/stagecoach-llm/stagecoach/shard/kernels"
	"github.com/stagecoach-llm/stagecoach/shard/memory"
)

// computeFlags say what a shard may use of its machine.
type computeFlags struct {
	Threads int    `default:"0" env:"STAGECOACH_THREADS" help:"Compute threads of each shard (0: all cores)."`
	Memory  int64  `default:"0" env:"STAGECOACH_MEMORY" help:"Bytes that weights and KV may take (0: 9/10 of what is free)."`
	Repack  string `enum:"auto,always,never" default:"auto" env:"STAGECOACH_REPACK" help:"Which weights are repacked for speed as they are loaded: what fits in --memory (auto), all (always), or none (never). The rest is read from the mapped file."`
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
	return memory.Available() / 10 * 9
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
