package bench

import (
	"fmt"
	"time"
)

// decode measures steps of one row of each sequence.
type decode struct {
	threads, batch, context int
	weights                 int64     // bytes
	seconds                 []float64 // of a step
}

func (d *decode) name() string {
	return fmt.Sprintf("decode, batch %d, context %d, threads %d", d.batch, d.context, d.threads)
}

func (d *decode) run(e *engine) error {
	r := e.newRun(d.threads, d.batch, d.context+e.o.Tokens, 1)
	d.weights = r.m.WeightBytes() + r.m.MappedBytes()
	if err := r.step(0, 1, true); err != nil { // the first one sizes the engine's buffers
		return err
	}
	if err := r.fill(d.context); err != nil {
		return err
	}
	start := time.Now()
	for i := range e.o.Tokens {
		if err := r.step(d.context+i, 1, true); err != nil {
			return err
		}
	}
	d.seconds = append(d.seconds, time.Since(start).Seconds()/float64(e.o.Tokens))
	return nil
}

func (d *decode) report(r *Report) {
	s := spread(d.seconds)
	r.Decode = append(r.Decode, Decode{
		Threads: d.threads, Batch: d.batch, Context: d.context,
		Step: Spread{1e3 * s.Median, 1e3 * s.Min, 1e3 * s.Max}, Rate: s.per(float64(d.batch)),
		Weights: float64(d.weights) / s.Median / 1e9,
	})
}
