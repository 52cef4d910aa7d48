package bench

import (
	"fmt"
	"time"
)

// prefill measures prompts of a length.
type prefill struct {
	threads, tokens int
	seconds         []float64
}

func (p *prefill) name() string {
	return fmt.Sprintf("a prompt of %d tokens, threads %d", p.tokens, p.threads)
}

func (p *prefill) run(e *engine) error {
	chunk := min(e.o.Chunk, p.tokens)
	r := e.newRun(p.threads, 1, p.tokens, chunk)
	if p.seconds == nil {
		if err := r.step(0, chunk, true); err != nil { // the first one sizes the engine's buffers
			return err
		}
	}
	start := time.Now()
	err := r.prompt(p.tokens, chunk)
	p.seconds = append(p.seconds, time.Since(start).Seconds())
	return err
}

func (p *prefill) report(r *Report) {
	r.Prefill = append(r.Prefill, Prefill{Threads: p.threads, Tokens: p.tokens, Rate: spread(p.seconds).per(float64(p.tokens))})
}
