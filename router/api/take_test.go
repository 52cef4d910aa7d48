package api

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// witness notes in which order a run journals and writes.
type witness struct{ said []string }

func (w *witness) Deliver(_ uint64, marks ...account.Mark) error {
	for _, m := range marks {
		if m == account.PromptDone {
			w.said = append(w.said, "prompt journalled")
		} else {
			w.said = append(w.said, fmt.Sprintf("%d journalled", m.Position))
		}
	}
	return nil
}

func (w *witness) piece(_ int, _ *choice, p piece) (wrote bool, err error) {
	w.said = append(w.said, fmt.Sprintf("%q written", p.text))
	return false, nil
}

func (w *witness) keepAlive() error { return nil }
func (w *witness) end(usage) error  { return nil }
func (w *witness) fail(*Error)      {}

// witnessed is a run of one streamed choice that has all the credit it may need.
func witnessed(t *testing.T, prompt string) (*run, *witness) {
	t.Helper()
	w := &witness{}
	j := &job{model: testModel(t)}
	j.n, j.stream, j.maxTokens = 1, true, 100
	j.prompts = [][]int32{nil}
	for _, b := range []byte(prompt) {
		j.prompts[0] = append(j.prompts[0], int32(b))
	}
	c := newChoice(j.model, &j.sampling)
	c.credit, c.running = 100, true
	return &run{
		job: j, s: &Server{Options: Options{Journal: w}, metrics: newMetrics(prometheus.NewRegistry())}, out: w, grant: &account.Grant{},
		choices: []*choice{c}, open: 1, streams: make([]*generate.Stream, 1), scores: make([][]wire.Logprob, 1), journaled: make([]int, 1), began: time.Now(),
	}, w
}

// TestScoresAreJournalledFirst: a prompt that is shown with its scores is billed before it is written, also where no token comes with
// the last of them.
func TestScoresAreJournalledFirst(t *testing.T) {
	r, w := witnessed(t, "abc")
	r.scored = true
	for _, ev := range []generate.Event{{Scores: make([]wire.Logprob, 1)}, {Scores: make([]wire.Logprob, 1)}, {Tokens: []int32{'x'}}} {
		if err := r.take(context.Background(), arrival{events: []generate.Event{ev}}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"prompt journalled", `"abc" written`, "1 journalled", `"x" written`}
	if !slices.Equal(w.said, want) {
		t.Errorf("%q, want %q", w.said, want)
	}
}
