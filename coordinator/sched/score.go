package sched

import "github.com/stagecoach-llm/stagecoach/transport/wire"

// targets are the tokens that the rows [at, end) of a choice's prompt lead to. The row of the prompt's last token has none.
func targets(c *choice, at, end int) []int32 {
	to := min(end+1, c.req.prompt)
	return c.tokens[at+1 : to : to]
}

// score takes the log-probabilities of prompt tokens from position p.at on. Those that were emitted before the choice
// was computed again are left out. False: they are not there.
func (s *Scheduler) score(r *request, p part, it *wire.SampledItem, out *wire.DeltaItem) bool {
	if it == nil || len(it.Scores) != p.scores || int(it.Pos) != p.end {
		return false
	}
	if known := r.scored - p.at; known < p.scores {
		out.ScorePos, out.Scores = uint32(r.scored), it.Scores[known:]
		r.scored = p.at + p.scores
	}
	return true
}
