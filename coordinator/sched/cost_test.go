package sched

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func stages(n int, fixed, perRow time.Duration) []StageTime {
	var out []StageTime
	for range n {
		out = append(out, StageTime{Fixed: fixed, PerRow: perRow})
	}
	return out
}

func TestSplit(t *testing.T) {
	cases := []struct {
		name   string
		stages []StageTime
		hop    time.Duration
		n      int
		want   int
	}{
		{"nobody", stages(3, 10*ms, 0), 0, 0, 1},
		{"one", stages(3, 0, 10*ms), 0, 1, 1},
		{"time does not grow with the batch", stages(3, 10*ms, 0), 0, 12, 1},
		{"time is all batch", stages(3, 0, 10*ms), 0, 12, 3},
		{"time grows a little", stages(3, 100*ms, ms/10), 0, 6, 1},
		{"a long way home is filled by one more", stages(3, 0, 10*ms), 40 * ms, 12, 4},
		{"one stage", stages(1, 0, 10*ms), 0, 8, 1},
		{"one slow stage bounds the round", append(stages(2, 0, ms), StageTime{PerRow: 50 * ms}), 0, 12, 2},
	}
	for _, c := range cases {
		k := cost{predicted: c.stages, hop: c.hop}
		if got := k.split(c.n); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Stages that share their cores take longer the more of them work: splitting is given up once that is measured.
func TestSplitFollowsMeasurements(t *testing.T) {
	k := cost{predicted: stages(3, 0, 10*ms)}
	if got := k.split(6); got != 3 {
		t.Fatalf("predicted: %d", got)
	}
	k.observe(2, measure{slowest: 60 * ms, total: 180 * ms}, 0)
	k.observe(6, measure{slowest: 60 * ms, total: 180 * ms}, 0)
	if got := k.split(6); got != 1 {
		t.Errorf("measured: %d", got)
	}
}

func TestChunk(t *testing.T) {
	cases := []struct {
		name    string
		stages  []StageTime
		n, hard int
		want    int
	}{
		{"one stage gains nothing by cutting", stages(1, ms, ms), 512, 512, 512},
		{"overlap", stages(4, 0, ms), 512, 512, 32},
		{"overlap against a fixed cost", stages(4, 64*ms, ms), 512, 512, 128},
		{"short prompt", stages(4, ms, ms), 20, 512, 512},
		{"small steps", stages(4, 0, ms), 512, 8, 8},
	}
	for _, c := range cases {
		k := cost{predicted: c.stages}
		if got := k.chunk(c.n, c.hard); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestCostLearns(t *testing.T) {
	k := cost{predicted: stages(2, 10*ms, ms)}
	if got := k.of(6); got != (measure{16 * ms, 32 * ms}) {
		t.Fatalf("before: %v", got)
	}
	// Twice as slow as predicted: so are the sizes nearby, until they are measured themselves.
	k.observe(8, measure{36 * ms, 72 * ms}, 5*ms)
	if got := k.of(8); got != (measure{36 * ms, 72 * ms}) {
		t.Errorf("measured: %v", got)
	}
	if got := k.of(1); got != (measure{22 * ms, 44 * ms}) {
		t.Errorf("scaled: %v", got)
	}
	for range 100 {
		k.observe(1, measure{11 * ms, 22 * ms}, 5*ms)
	}
	if got := k.of(1); got != (measure{11 * ms, 22 * ms}) {
		t.Errorf("measured itself: %v", got)
	}
	if got := k.of(8); got != (measure{36 * ms, 72 * ms}) {
		t.Errorf("other sizes: %v", got)
	}
	if d := 5*ms - k.hop; d < 0 || d > ms/100 {
		t.Errorf("hop: %v", k.hop)
	}
}
