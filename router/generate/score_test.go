package generate_test

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// scored asks for the scores of a long prompt with two alternatives, and for so many tokens.
func scored(maxTokens int) func(*generate.Request) {
	return func(q *generate.Request) {
		q.Score, q.MaxTokens, q.Params.Logprobs = true, maxTokens, 2
		if maxTokens == 0 {
			q.Choices[0].Credit = 0
		}
		for i := range 60 {
			q.Prompt = append(q.Prompt, int32(i))
		}
	}
}

// readScores returns the scores and the number of tokens, all of which must come after them.
func readScores(t *testing.T, s *generate.Stream, prompt int) (scores []wire.Logprob, tokens int) {
	t.Helper()
	defer s.Close()
	for {
		events, err := s.Next(t.Context())
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			return scores, tokens
		}
		for _, ev := range events {
			scores = append(scores, ev.Scores...)
			tokens += len(ev.Tokens)
			if (len(ev.Tokens) > 0 || ev.Finish != "") && len(scores) != prompt-1 {
				t.Errorf("output after %d scores of a prompt of %d tokens", len(scores), prompt)
			}
		}
	}
}

// TestScores: whatever is done on the way, each token of the prompt but the first has its score once, in order.
func TestScores(t *testing.T) {
	for name, harm := range map[string]func(w *world){
		"no harm":       func(*world) {},
		"lost messages": func(w *world) { w.net.SetFaults(bus.Faults{Drop: 0.2}) },
		"duplicates":    func(w *world) { w.net.SetFaults(bus.Faults{Duplicate: 0.5}) },
		"unordered": func(w *world) {
			w.net.SetFaults(bus.Faults{Reorder: 0.3, Delay: 5 * time.Millisecond, Jitter: 30 * time.Millisecond})
		},
		"restart": func(w *world) {
			time.Sleep(100 * time.Millisecond)
			w.coord.Restart()
		},
		"forgotten": func(w *world) {
			time.Sleep(100 * time.Millisecond)
			w.coord.Forget()
		},
	} {
		for _, maxTokens := range []int{0, 5} {
			t.Run(name, func(t *testing.T) {
				run(t, func(t *testing.T, w *world) {
					var prompt []int32
					s := w.start("a", scored(maxTokens), func(q *generate.Request) { prompt = q.Prompt })
					harm(w)
					scores, tokens := readScores(t, s, len(prompt))
					if tokens != maxTokens || len(scores) != len(prompt)-1 {
						t.Fatalf("%d scores of %d tokens, then %d tokens", len(scores), len(prompt), tokens)
					}
					for i, lp := range scores {
						if want := fake.Score(prompt, i+1, 2); lp.LP != want.LP || !slices.Equal(lp.Top, want.Top) {
							t.Errorf("score of token %d is %+v, want %+v", i+1, lp, want)
						}
					}
				})
			})
		}
	}
}

// A resubmission says which scores are there already.
func TestResubmissionHasWhatWasScored(t *testing.T) {
	run(t, func(t *testing.T, w *world) {
		s := w.start("a", scored(0))
		time.Sleep(100 * time.Millisecond)
		w.coord.Restart()
		readScores(t, s, 63)
		seen := w.coord.Seen()
		if len(seen) != 2 || !seen[1].Score || seen[0].Scored > 1 || seen[1].Scored < 10 {
			t.Errorf("%d submissions, the last with %d scored", len(seen), seen[len(seen)-1].Scored)
		}
	})
}
