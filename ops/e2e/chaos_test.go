package e2e

import (
	"encoding/json"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Processes are killed at random while clients ask: every answer is what it would have been, and the books agree
// with what the replies said.
func TestChaos(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	c := up(t)
	all := pins(t)
	r := rand.New(rand.NewPCG(1, 2))
	var answers, prompt, completion atomic.Int64
	over := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 6 {
		mine := rand.New(rand.NewPCG(uint64(i), 3))
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				p := all[mine.IntN(len(all))]
				s := c.stream(p.params(), 0, nil)
				if s.err != nil || s.text != p.Text {
					t.Errorf("%v: %v, %q, want %q", p.Messages, s.err, s.text, p.Text)
					return
				}
				answers.Add(1)
				prompt.Add(s.usage.PromptTokens)
				completion.Add(s.usage.CompletionTokens)
			}
		})
	}
	roles := []string{"shard-1", "shard-2", "shard-3", "coordinator", "nats"}
	for range 8 {
		time.Sleep(time.Duration(500+r.IntN(2000)) * time.Millisecond)
		c.kill(roles[r.IntN(len(roles))])
		c.waitReady(30 * time.Second)
	}
	close(over)
	clients.Wait()
	t.Logf("%d answers, %d output tokens", answers.Load(), completion.Load())

	var rows []struct {
		Requests   int64 `json:"requests"`
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
	}
	out := c.mustOps("usage", "--json")
	if err := json.Unmarshal([]byte(out), &rows); err != nil || len(rows) != 1 {
		t.Fatalf("%s, %v", out, err)
	}
	if u := rows[0]; u.Requests != answers.Load() || u.Prompt != prompt.Load() || u.Completion != completion.Load() {
		t.Errorf("the books say %+v, the replies said %d requests, %d and %d tokens", u, answers.Load(), prompt.Load(), completion.Load())
	}
	c.mustOps("usage", "verify")
}
