package sched

import (
	"fmt"
	"testing"
	"time"
)

// worlds are the circumstances under which every answer must be what it is when run alone.
var worlds = map[string]world{
	"calm":       {requests: 24, blocks: [2]int{64, 64}, stages: [2]int{3, 3}, prompt: 60, output: 30, n: 1},
	"one stage":  {requests: 12, blocks: [2]int{20, 20}, stages: [2]int{1, 1}, prompt: 60, output: 30, n: 2},
	"tiny KV":    {requests: 20, blocks: [2]int{6, 9}, stages: [2]int{1, 4}, prompt: 50, output: 40, n: 3},
	"tiny steps": {requests: 12, blocks: [2]int{12, 20}, stages: [2]int{2, 4}, prompt: 50, output: 40, n: 2, maxRows: 3},
	"one row":    {requests: 6, blocks: [2]int{12, 20}, stages: [2]int{1, 3}, prompt: 40, output: 20, n: 2, maxRows: 1},
	"all memory": {requests: 16, blocks: [2]int{4, 4}, stages: [2]int{1, 3}, prompt: 60, output: 60, n: 2},
	"few slots": {requests: 16, blocks: [2]int{40, 40}, stages: [2]int{2, 2}, prompt: 30, output: 20, n: 2, slow: 0.7, running: 2,
		faultTime: time.Second},
	"no cache":    {requests: 16, blocks: [2]int{8, 30}, stages: [2]int{2, 3}, prompt: 60, output: 30, n: 3, noCache: true},
	"small queue": {requests: 40, blocks: [2]int{12, 12}, stages: [2]int{2, 2}, prompt: 60, output: 20, n: 1, queue: 3},
	"overflow":    {requests: 24, blocks: [2]int{10, 20}, stages: [2]int{1, 4}, prompt: 60, output: 30, n: 2, rate: 150},
	"slow readers": {requests: 24, blocks: [2]int{8, 12}, stages: [2]int{2, 3}, prompt: 40, output: 40, n: 2, slow: 0.6,
		cancels: 0.2, faultTime: 3 * time.Second},
	"lossy": {requests: 24, blocks: [2]int{12, 40}, stages: [2]int{1, 4}, prompt: 60, output: 30, n: 2,
		faultTime: 10 * time.Second, drop: 0.03, dup: 0.03},
	"epochs": {requests: 24, blocks: [2]int{8, 40}, stages: [2]int{1, 4}, prompt: 60, output: 30, n: 2,
		faultTime: 5 * time.Second, epochs: 6},
	"shrinking KV": {requests: 24, blocks: [2]int{3, 8}, stages: [2]int{1, 4}, prompt: 40, output: 50, n: 2,
		faultTime: 8 * time.Second, epochs: 8, drop: 0.02, dup: 0.02, shrinks: true},
	"scores": {requests: 24, blocks: [2]int{8, 30}, stages: [2]int{1, 4}, prompt: 80, output: 20, n: 3, scored: 0.8, maxRows: 24,
		cancels: 0.1, faultTime: 5 * time.Second, epochs: 5},
	"scores without cache": {requests: 16, blocks: [2]int{6, 12}, stages: [2]int{1, 3}, prompt: 80, output: 20, n: 3, scored: 1, maxRows: 5,
		noCache: true, rate: 800},
	"everything": {requests: 40, scored: 0.3, blocks: [2]int{6, 24}, stages: [2]int{1, 4}, prompt: 70, output: 40, n: 4,
		faultTime: 20 * time.Second, drop: 0.05, dup: 0.05, epochs: 8, cancels: 0.2, deadlines: 0.2, slow: 0.3, rate: 2000, queue: 60},
}

func TestSimulation(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 2
	}
	for name, w := range worlds {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(seeds) {
				ok := t.Run(fmt.Sprint(seed), func(t *testing.T) { newSim(t, w, seed).run() })
				if !ok {
					return
				}
			}
		})
	}
}
