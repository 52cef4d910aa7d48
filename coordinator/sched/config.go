package sched

import "time"

// BlockTokens is how many positions one KV block holds.
const BlockTokens = 16

// MaxChoices bounds the choices of one request.
const MaxChoices = 128

// Config is fixed for a scheduler's life. The zero value of a field is its default.
type Config struct {
	// Model is the Card.ID served. A Generate that names another is refused; "" serves any.
	Model string
	// Context is the most tokens of a sequence, prompt and output. Default 32768.
	Context int
	// Vocab bounds token ids; 0 leaves them unchecked.
	Vocab int

	// MaxQueue bounds the choices that wait for the first time. Beyond it a Submit is refused as overloaded; one
	// that goes on after emitted tokens never is. Default 1024.
	MaxQueue int
	// MaxRunning bounds the choices that hold KV. Default 256.
	MaxRunning int
	// MaxRows bounds the rows of a step. More rows per step read the weights less often, and make those who decode
	// in the same step wait longer. Default 512.
	MaxRows int
	// StepTarget is how long the slowest stage may take for a step that mixes prefill with decode; more only when
	// the decoding rows alone take half of it. Ten times as long for prefill alone. Default 100 ms.
	StepTarget time.Duration
	// Quantum is how many tokens a tenant may prefill per round of the fair queue. Default 1024.
	Quantum int
	// NoPrefixCache computes every prompt, however often it was seen.
	NoPrefixCache bool

	// RouterSilence is how long a router that has beaten may be silent. Default 5 s.
	RouterSilence time.Duration
	// NudgeAfter and StuckAfter are how long the oldest step may take at least before it is sent again and before
	// the lane is called stuck; with three and six times the predicted time where that is more.
	// Default 300 ms and 1 s.
	NudgeAfter time.Duration
	StuckAfter time.Duration
	// ParkWithin is how long an answer waits for KV memory that was there when it began. Default 60 s.
	ParkWithin time.Duration
}

func (c Config) withDefaults() Config {
	setInt(&c.Context, 32768)
	setInt(&c.MaxQueue, 1024)
	setInt(&c.MaxRunning, 256)
	setInt(&c.MaxRows, 512)
	setInt(&c.Quantum, 1024)
	setTime(&c.StepTarget, 100*time.Millisecond)
	setTime(&c.RouterSilence, 5*time.Second)
	setTime(&c.NudgeAfter, 300*time.Millisecond)
	setTime(&c.StuckAfter, time.Second)
	setTime(&c.ParkWithin, time.Minute)
	return c
}

func setInt(v *int, def int) {
	if *v <= 0 {
		*v = def
	}
}

func setTime(v *time.Duration, def time.Duration) {
	if *v <= 0 {
		*v = def
	}
}
