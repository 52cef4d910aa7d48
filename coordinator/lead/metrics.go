package lead

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stagecoach-llm/stagecoach/coordinator/sched"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// metrics are the coordinator's measurements.
type metrics struct {
	waiting, running, inFlight, kvBlocks, kvUsed, epoch, ready prometheus.Gauge
	tokens, preempted, recomputed                              atomic.Uint64
	steps, resends, dropped                                    prometheus.Counter
	rows, entries, stepTime, hop                               prometheus.Histogram
	busy                                                       *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "stagecoach_coordinator_" + name, Help: help})
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "stagecoach_coordinator_" + name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stagecoach_coordinator_" + name, Help: help, Buckets: buckets})
	}
	latency := prometheus.ExponentialBuckets(100e-6, 2, 18)
	m := &metrics{
		waiting:  gauge("waiting", "Choices that wait for KV memory."),
		running:  gauge("running", "Choices that hold KV memory."),
		inFlight: gauge("steps_in_flight", "Micro-batches between the coordinator and the last stage."),
		kvBlocks: gauge("kv_blocks", "KV blocks of the live plan."),
		kvUsed:   gauge("kv_blocks_used", "KV blocks in use, cached prefixes aside."),
		epoch:    gauge("epoch", "Live epoch, 0 when there is none."),
		ready:    gauge("ready", "1 when a canary has gone through every stage of the live plan."),
		steps:    counter("steps_total", "Steps sent."),
		resends:  counter("resends_total", "Times that a stage was asked to send its outputs again."),
		dropped:  counter("messages_dropped_total", "Messages dropped because the loop was behind."),
		rows:     histogram("step_rows", "Rows (tokens) of a step.", prometheus.ExponentialBuckets(1, 2, 12)),
		entries:  histogram("step_sequences", "Sequences of a step.", prometheus.ExponentialBuckets(1, 2, 9)),
		stepTime: histogram("step_seconds", "From sending a step to its sampled tokens.", latency),
		hop:      histogram("hop_seconds", "Step time that no stage spent computing or queueing, per hop.", latency),
		busy: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "stagecoach_coordinator_stage_busy_ratio",
			Help: "Share of the last seconds that a shard computed."}, []string{"shard"}),
	}
	if reg != nil {
		for name, c := range map[string]struct {
			value *atomic.Uint64
			help  string
		}{
			"output_tokens_total":     {&m.tokens, "Tokens sampled."},
			"preemptions_total":       {&m.preempted, "Choices sent back to waiting for want of KV memory."},
			"recomputed_tokens_total": {&m.recomputed, "Tokens prefilled again after recoveries and preemptions."},
		} {
			reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "stagecoach_coordinator_" + name, Help: c.help},
				func() float64 { return float64(c.value.Load()) }))
		}
		reg.MustRegister(m.waiting, m.running, m.inFlight, m.kvBlocks, m.kvUsed, m.epoch, m.ready,
			m.steps, m.resends, m.dropped, m.rows, m.entries, m.stepTime, m.hop, m.busy)
	}
	return m
}

// watch copies the numbers of scheduler and planner.
func (m *metrics) watch(s sched.Stats, plan wire.Status) {
	m.waiting.Set(float64(s.Waiting))
	m.running.Set(float64(s.Running))
	m.inFlight.Set(float64(s.InFlight))
	m.kvBlocks.Set(float64(s.KVBlocks))
	m.kvUsed.Set(float64(s.KVUsed))
	m.epoch.Set(float64(plan.Epoch))
	m.ready.Set(0)
	if plan.Ready {
		m.ready.Set(1)
	}
	m.busy.Reset()
	for _, st := range plan.Stages {
		m.busy.WithLabelValues(st.Node).Set(st.Busy)
	}
	m.tokens.Store(s.Tokens)
	m.preempted.Store(s.Preempted)
	m.recomputed.Store(s.Recomputed)
}

func (m *metrics) sent(entries []wire.Entry) {
	rows := 0
	for i := range entries {
		rows += len(entries[i].Tokens)
	}
	m.steps.Inc()
	m.rows.Observe(float64(rows))
	m.entries.Observe(float64(len(entries)))
}

func (m *metrics) returned(took time.Duration, s *wire.Sampled) {
	m.stepTime.Observe(took.Seconds())
	for _, t := range s.Timings {
		took -= time.Duration(t.QueueNS + t.ComputeNS)
	}
	m.hop.Observe(max(took, 0).Seconds() / float64(len(s.Timings)+1))
}
