package plan

import (
	"fmt"
	"strings"
	"time"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// log tells the operator; n may be nil.
func (p *Planner) log(k Kind, n *node, format string, args ...any) {
	l := Log{Kind: k, Text: fmt.Sprintf(format, args...)}
	if n != nil {
		l.Node = n.name
	}
	if p.next != nil {
		l.Epoch = p.next.id
	} else if p.live != nil {
		l.Epoch = p.live.id
	}
	p.do(l)
}

// logLayers is about layers [first, last) on a shard.
func (p *Planner) logLayers(k Kind, e *epoch, s *part, text string) {
	p.do(Log{Kind: k, Node: s.node.name, Epoch: e.id, First: s.first, Last: s.last, Text: text})
}

// describe is what the operator knows a shard by, such as " (10.0.0.7, avx512, 8 threads, 16.0 GB)".
func describe(h wire.Hello) string {
	var parts []string
	if h.Host != "" {
		parts = append(parts, h.Host)
	}
	if h.Kernels != "" {
		parts = append(parts, h.Kernels)
	}
	if h.Threads > 0 {
		parts = append(parts, fmt.Sprintf("%d threads", h.Threads))
	}
	parts = append(parts, fmt.Sprintf("%.1f GB", float64(h.MemoryBytes)/1e9))
	return " (" + strings.Join(parts, ", ") + ")"
}

// layers writes [first, last) as people count: both ends included.
func layers(first, last int) string {
	if last-first == 1 {
		return fmt.Sprintf("layer %d", first)
	}
	return fmt.Sprintf("layers %d..%d", first, last-1)
}

// short is the beginning of a hash.
func short(s string) string {
	if s == "" {
		return "none"
	}
	return s[:min(len(s), 12)]
}

// backoff is first, doubled n times, at most most.
func backoff(first time.Duration, n int, most time.Duration) time.Duration {
	for range n {
		if first >= most {
			break
		}
		first *= 2
	}
	return min(first, most)
}

func plural(n int, noun string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
