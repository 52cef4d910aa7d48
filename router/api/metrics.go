package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// metrics of a router, all stagecoach_router_*.
type metrics struct {
	requests *prometheus.CounterVec // route, status
	refused  *prometheus.CounterVec // scope
	tokens   *prometheus.CounterVec // kind: prompt, completion
	first    prometheus.Histogram
	each     prometheus.Histogram
	inFlight prometheus.Gauge
}

func newMetrics(reg *prometheus.Registry) *metrics {
	name := func(s string) string { return "stagecoach_router_" + s }
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("requests_total"), Help: "Requests answered, by route and HTTP status."}, []string{"route", "status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("refused_total"), Help: "Requests refused before they ran, by what refused them."}, []string{"scope"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: name("tokens_total"), Help: "Tokens accounted."}, []string{"kind"}),
		first: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("time_to_first_token_seconds"), Help: "From admission to the first token.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 14)}),
		each: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: name("time_per_output_token_seconds"), Help: "Of a request, from its first token to its end, per token of its longest choice.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: name("requests_in_flight"), Help: "Requests admitted and not ended."}),
	}
	reg.MustRegister(m.requests, m.refused, m.tokens, m.first, m.each, m.inFlight)
	return m
}

// request counts an answer; status 0 is a client that went away before it got one.
func (m *metrics) request(route string, status int) {
	if status == 0 {
		status = gone().Status
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}

func (m *metrics) settled(r *run, o account.Outcome) {
	m.tokens.WithLabelValues("prompt").Add(float64(o.Prompt))
	m.tokens.WithLabelValues("completion").Add(float64(o.Completion))
	longest := 0
	for _, c := range r.choices {
		longest = max(longest, len(c.tokens))
	}
	if longest > 1 {
		m.each.Observe(time.Since(r.first).Seconds() / float64(longest-1))
	}
}
