package sched

import (
	"math/bits"
	"time"
)

// cost estimates what a step of some rows takes: from measurements of steps of about that size, and where there are
// none from the prediction, scaled as the nearest measured size is off it.
type cost struct {
	predicted []StageTime
	measured  [sizes]measure // by size class: 1, 2, 3-4, 5-8, … rows
	hop       time.Duration  // round trip less compute and queues
}

type measure struct {
	slowest time.Duration // of the stages
	total   time.Duration // of all stages
}

const sizes = 24

func sizeClass(rows int) int { return min(bits.Len(uint(max(rows, 1)-1)), sizes-1) }

// prior is the prediction.
func (c *cost) prior(rows int) measure {
	var m measure
	for _, st := range c.predicted {
		t := st.Fixed + time.Duration(rows)*st.PerRow
		m.slowest, m.total = max(m.slowest, t), m.total+t
	}
	return m
}

// of is the estimate for a step of rows rows.
func (c *cost) of(rows int) measure {
	k := sizeClass(rows)
	for d := range sizes {
		for _, i := range [2]int{k - d, k + d} {
			if i >= 0 && i < sizes && c.measured[i].slowest > 0 {
				return c.scaled(i, rows)
			}
		}
	}
	return c.prior(rows)
}

// scaled carries the measurement of size class i over to another number of rows.
func (c *cost) scaled(i, rows int) measure {
	m, at, want := c.measured[i], c.prior(1<<i), c.prior(rows)
	return measure{slowest: ratio(m.slowest, want.slowest, at.slowest), total: ratio(m.total, want.total, at.total)}
}

func ratio(x, num, den time.Duration) time.Duration {
	return time.Duration(float64(x) * (float64(num) / float64(max(den, 1))))
}

// observe takes a returned step in. m was measured at rows rows and is kept as if at its class's largest number.
func (c *cost) observe(rows int, m measure, hop time.Duration) {
	if rows == 0 || m.slowest <= 0 {
		return
	}
	k := sizeClass(rows)
	at, is := c.prior(1<<k), c.prior(rows)
	m = measure{slowest: ratio(m.slowest, at.slowest, is.slowest), total: ratio(m.total, at.total, is.total)}
	old := &c.measured[k]
	if old.slowest == 0 {
		*old = m
	} else {
		old.slowest += (m.slowest - old.slowest) / 8
		old.total += (m.total - old.total) / 8
	}
	c.hop += (max(hop, 0) - c.hop) / 8
}

// split is into how many micro-batches n decoding sequences should go, between 1 and stages+1. With k of them in
// flight a round takes as long as the slowest stage needs for all k, or one of them for its whole way. More of
// them must win a fiftieth, because each costs frames.
func (c *cost) split(n int) int {
	best, k := time.Duration(0), 1
	for i := 1; i <= min(len(c.predicted)+1, max(n, 1)); i++ {
		m := c.of((n + i - 1) / i)
		round := max(time.Duration(i)*m.slowest, m.total+c.hop)
		if i == 1 || round < best-best/50 {
			best, k = round, i
		}
	}
	return k
}

// minChunk is the fewest rows that a prompt is cut into for the sake of overlap.
const minChunk = 32

// chunk is how many rows of n waiting for prefill a step should take, at most hard, so that the last of them comes
// out of the last stage the soonest: c chunks take (stages-1+c) times the slowest stage.
func (c *cost) chunk(n, hard int) int {
	best, rows := never, hard
	for r := hard; r >= minChunk || r == hard; r /= 2 {
		chunks := (n + r - 1) / r
		t := time.Duration(len(c.predicted)-1+chunks) * c.of(min(r, n)).slowest
		if t < best-best/50 {
			best, rows = t, r
		}
	}
	return rows
}
