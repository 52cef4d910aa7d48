package stage

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Metrics are a shard's measurements. A nil *Metrics records nothing.
type Metrics struct {
	steps   prometheus.Counter
	rows    prometheus.Histogram
	busy    prometheus.Counter
	compute prometheus.Histogram
	queue   prometheus.Histogram
	hop     prometheus.Histogram
	drops   *prometheus.CounterVec
}

// NewMetrics registers a shard's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	latency := prometheus.ExponentialBuckets(50e-6, 2, 18) // 50 us .. 6.5 s
	m := &Metrics{
		steps:   prometheus.NewCounter(prometheus.CounterOpts{Name: "stagecoach_stage_steps_total", Help: "Steps executed."}),
		rows:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stagecoach_stage_step_rows", Help: "Rows (tokens) in a step.", Buckets: prometheus.ExponentialBuckets(1, 2, 12)}),
		busy:    prometheus.NewCounter(prometheus.CounterOpts{Name: "stagecoach_stage_busy_seconds_total", Help: "Time spent computing; its rate is the stage's busy share."}),
		compute: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stagecoach_stage_compute_seconds", Help: "Compute time of a step.", Buckets: latency}),
		queue:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stagecoach_stage_queue_seconds", Help: "From a frame's arrival to its start.", Buckets: latency}),
		hop:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stagecoach_stage_hop_seconds", Help: "From the sender's publish to arrival; between machines it includes their clocks' difference.", Buckets: latency}),
		drops:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stagecoach_stage_frames_dropped_total", Help: "Frames not executed, by reason."}, []string{"reason"}),
	}
	reg.MustRegister(m.steps, m.rows, m.busy, m.compute, m.queue, m.hop, m.drops)
	return m
}

// Watch registers what is read from the shard at each scrape.
func (n *Node) Watch(reg prometheus.Registerer) {
	reg.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stagecoach_stage_kv_blocks_used", Help: "KV blocks in the block tables of this shard's sequences."},
			func() float64 { return float64(n.beat.kvUsed.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "stagecoach_stage_epoch", Help: "Committed epoch, 0 when in no plan."},
			func() float64 { return float64(n.beat.epoch.Load()) }),
	)
}

func (m *Metrics) step(f *wire.Frame, hop, queued, took time.Duration) {
	if m == nil {
		return
	}
	rows := 0
	for i := range f.Entries {
		rows += len(f.Entries[i].Tokens)
	}
	m.steps.Inc()
	m.rows.Observe(float64(rows))
	m.busy.Add(took.Seconds())
	m.compute.Observe(took.Seconds())
	m.queue.Observe(queued.Seconds())
	m.hop.Observe(max(hop, 0).Seconds())
}

func (m *Metrics) drop(reason string) {
	if m != nil {
		m.drops.WithLabelValues(reason).Inc()
	}
}
