package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func TestUp(t *testing.T) {
	c := up(t)
	for _, want := range []string{"shard-1", "shard-2", "shard-3", "canary", "curl "} {
		if !strings.Contains(c.output(), want) {
			t.Errorf("the way to readiness does not mention %q:\n%s", want, c.output())
		}
	}
	t.Run("pinned answers", func(t *testing.T) {
		for _, p := range pins(t) {
			r, err := c.client.Chat.Completions.New(t.Context(), p.params())
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Choices[0].Message.Content; got != p.Text {
				t.Errorf("%v: %q, want %q", p.Messages, got, p.Text)
			}
			if r.Usage.CompletionTokens != int64(len(p.Greedy)) {
				t.Errorf("%v: %d completion tokens, want %d", p.Messages, r.Usage.CompletionTokens, len(p.Greedy))
			}
		}
	})
	t.Run("streamed", func(t *testing.T) {
		p := longest(t)
		s := c.stream(p.params(), 0, nil)
		if s.err != nil || s.text != p.Text || s.finish != "stop" || s.usage.CompletionTokens != int64(len(p.Greedy)) {
			t.Errorf("%+v, want %q", s, p.Text)
		}
	})
	t.Run("models", func(t *testing.T) {
		page, err := c.client.Models.List(t.Context())
		if err != nil || len(page.Data) != 1 || page.Data[0].ID != "stagecoach-demo" {
			t.Errorf("%+v, %v", page, err)
		}
	})
	t.Run("status and plan", func(t *testing.T) {
		s := c.status()
		if !s.Ready || len(s.Stages) != 3 || s.Stages[0].First != 0 || s.Stages[2].Last != 12 {
			t.Errorf("%+v", s)
		}
		for _, args := range [][]string{{"status"}, {"plan"}, {"plan", "--shards", "2"}} {
			if out := c.mustOps(args...); !strings.Contains(out, "shard-1") {
				t.Errorf("%v: %s", args, out)
			}
		}
	})
	t.Run("chat command", func(t *testing.T) {
		p := pins(t)[0]
		if len(p.Messages) != 1 {
			t.Skip("the first pin has several messages")
		}
		if out := c.mustOps("chat", p.Messages[0].Content); strings.TrimSpace(out) != strings.TrimSpace(p.Text) {
			t.Errorf("%q, want %q", out, p.Text)
		}
	})
	t.Run("bench command", func(t *testing.T) {
		var r struct {
			Failed       int     `json:"failed"`
			OutputTokens int64   `json:"output_tokens"`
			OutputRate   float64 `json:"output_rate"`
		}
		out := c.mustOps("bench", "--clients", "3", "--requests", "6", "--tokens", "20", "--json")
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Failed != 0 || r.OutputTokens != 120 || r.OutputRate <= 0 {
			t.Errorf("%s, %v", out, err)
		}
	})
	t.Run("health", func(t *testing.T) {
		c.mustOps("health", c.base+"/ready")
		if _, err := c.ops("health", c.base+"/nothing-here"); err == nil {
			t.Error("an unknown page is healthy")
		}
	})
}

func TestKeysAndUsage(t *testing.T) {
	c := up(t, "--shards", "1")
	p := pins(t)[0]
	ask := func(key string) (*openai.ChatCompletion, error) {
		params := p.params()
		params.User = openai.String("ada")
		return c.client.Chat.Completions.New(t.Context(), params, option.WithAPIKey(key), option.WithMaxRetries(0))
	}
	first, err := ask("anything")
	if err != nil {
		t.Fatal("a request without a key made is refused:", err)
	}
	var made struct{ Key, ID, Name string }
	out := c.mustOps("keys", "create", "--name", "ci", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil || !strings.HasPrefix(made.Key, "sk-") {
		t.Fatalf("%s, %v", out, err)
	}
	if _, err := ask("sk-wrong"); err == nil {
		t.Error("a wrong key is served")
	}
	if _, err := ask(made.Key); err != nil {
		t.Error(err)
	}
	out = c.mustOps("usage")
	for _, want := range []string{"local", "ci", "ada"} {
		if !strings.Contains(out, want) {
			t.Errorf("usage does not show %q:\n%s", want, out)
		}
	}
	var rows []struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
		Requests   int64 `json:"requests"`
	}
	if err := json.Unmarshal([]byte(c.mustOps("usage", "--json")), &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Requests != 1 || r.Prompt != first.Usage.PromptTokens || r.Completion != first.Usage.CompletionTokens {
			t.Errorf("%+v, want what the reply said: %+v", r, first.Usage)
		}
	}
	if len(rows) != 2 {
		t.Errorf("%d rows of usage, want 2: %+v", len(rows), rows)
	}
	c.mustOps("keys", "revoke", made.ID)
	if _, err := ask(made.Key); err == nil {
		t.Error("a revoked key is served")
	}
	if out := c.mustOps("keys", "list"); strings.Contains(out, made.Key) {
		t.Error("the key itself is shown again")
	}
}

// The same tokens and log-probabilities, bit for bit, however the model is split and whatever else runs.
func TestSameTokensHoweverSplit(t *testing.T) {
	type outcome struct{ tokens, logprobs string }
	ask := func(c *cluster, p pin, temperature float64) outcome {
		params := p.params()
		params.Temperature = openai.Float(temperature)
		params.Seed = openai.Int(7)
		params.Logprobs = openai.Bool(true)
		params.TopLogprobs = openai.Int(5)
		r, err := c.client.Chat.Completions.New(context.Background(), params)
		if err != nil {
			t.Fatal(err)
		}
		return outcome{r.Choices[0].Message.Content, r.Choices[0].Logprobs.RawJSON()}
	}
	prompts := pins(t)
	prompts = prompts[:min(8, len(prompts))]
	want := map[int]outcome{}
	c := up(t, "--shards", "1")
	for n := 1; n <= 4; n++ {
		if n > 1 {
			c.mustOps("scale", string(rune('0'+n)))
		}
		if s := c.status(); len(s.Stages) != n {
			t.Fatalf("%d stages after scale %d", len(s.Stages), n)
		}
		got := make([]outcome, 2*len(prompts))
		done := make(chan struct{})
		for i := range got { // all at once: they share steps
			go func() {
				got[i] = ask(c, prompts[i/2], float64(i%2))
				done <- struct{}{}
			}()
		}
		for range got {
			<-done
		}
		for i, o := range got {
			if n == 1 {
				want[i] = ask(c, prompts[i/2], float64(i%2)) // alone
			}
			if o != want[i] {
				t.Errorf("%d shards, %v: %v, want %v", n, prompts[i/2].Messages, o, want[i])
			}
		}
	}
}

func TestScaleAndDrainInMidAnswer(t *testing.T) {
	c := up(t)
	p := longest(t)
	steps := []struct {
		args   []string
		stages int
	}{{[]string{"scale", "4"}, 4}, {[]string{"drain", "shard-2"}, 3}, {[]string{"drain", "--undo", "shard-2"}, 0}, {[]string{"scale", "2"}, 2}}
	for _, step := range steps {
		s := c.stream(p.params(), 5, func() { c.mustOps(step.args...) })
		if s.err != nil || s.text != p.Text || s.usage.CompletionTokens != int64(len(p.Greedy)) {
			t.Errorf("%v in mid-answer: %+v, want %q", step.args, s, p.Text)
		}
		if step.stages > 0 {
			if st := c.status(); len(st.Stages) != step.stages || !st.Ready {
				t.Errorf("%v: %d stages, ready %v, want %d", step.args, len(st.Stages), st.Ready, step.stages)
			}
		}
	}
	c.waitReady(5 * time.Second)
}
