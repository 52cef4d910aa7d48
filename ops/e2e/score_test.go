package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"
)

// scored is the part of a completion that evaluation harnesses read. Numbers are as they were written, so that equal ones
// are equal bit for bit.
type scored struct {
	Text     string `json:"text"`
	Finish   string `json:"finish_reason"`
	Logprobs struct {
		Tokens  []string                 `json:"tokens"`
		LPs     []json.Number            `json:"token_logprobs"`
		Tops    []map[string]json.Number `json:"top_logprobs"`
		Offsets []int                    `json:"text_offset"`
	} `json:"logprobs"`
}

// complete asks /v1/completions for a greedy answer to ids with three alternatives per token.
func (c *cluster) complete(ids []int32, maxTokens int, echo bool) (s scored, prompt, completion int) {
	body, err := json.Marshal(map[string]any{"model": "stagecoach-demo", "prompt": ids, "max_tokens": maxTokens, "echo": echo,
		"logprobs": 3, "temperature": 0})
	if err != nil {
		c.t.Error(err)
	}
	client := http.Client{Timeout: 2 * time.Minute}
	resp, err := client.Post(c.base+"/v1/completions", "application/json", bytes.NewReader(body))
	if err != nil {
		c.t.Error(err)
		return s, 0, 0
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	var r struct {
		Choices []scored
		Usage   struct {
			Prompt     int `json:"prompt_tokens"`
			Completion int `json:"completion_tokens"`
		}
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil || len(r.Choices) != 1 {
		c.t.Errorf("%s: %v", b, err)
		return s, 0, 0
	}
	return r.Choices[0], r.Usage.Prompt, r.Usage.Completion
}

func greedyIDs(t *testing.T) (prompts, answers [][]int32) {
	t.Helper()
	for _, p := range pins(t) {
		prompts, answers = append(prompts, p.Prompt), append(answers, p.Greedy)
	}
	return prompts, answers
}

// Scores are a function of the text alone: not of the number of shards, of the steps it was cut into beside other
// requests, or of a shard that died meanwhile. Those of a greedy answer are what its generation reported.
func TestScoresOfATextAreOne(t *testing.T) {
	c := up(t)
	prompts, answers := greedyIDs(t)

	t.Run("a greedy answer", func(t *testing.T) {
		for i := range prompts[:12] {
			said, _, _ := c.complete(prompts[i], len(answers[i]), false)
			text := slices.Concat(prompts[i], answers[i])
			got, prompt, completion := c.complete(text, 0, true)
			n, visible := len(prompts[i]), len(said.Logprobs.LPs)
			if len(got.Logprobs.LPs) != len(text) || len(got.Logprobs.Tokens) != len(text) || visible < len(answers[i])-1 || got.Finish != "length" {
				t.Fatalf("%d tokens, %d scores, %d reported, finish %q", len(text), len(got.Logprobs.LPs), visible, got.Finish)
			}
			if got.Logprobs.LPs[0] != "" || got.Logprobs.Tops[0] != nil || prompt != len(text) || completion != 0 {
				t.Errorf("first token %v, billed %d and %d", got.Logprobs.LPs[0], prompt, completion)
			}
			if !slices.Equal(got.Logprobs.LPs[n:n+visible], said.Logprobs.LPs) || !reflect.DeepEqual(got.Logprobs.Tops[n:n+visible], said.Logprobs.Tops) {
				t.Errorf("pin %d: scored as %v, reported as %v", i, got.Logprobs.LPs[n:], said.Logprobs.LPs)
			}
		}
	})

	var long []int32
	for i := 0; len(long) < 900; i++ {
		long = slices.Concat(long, prompts[i], answers[i])
	}
	want, _, _ := c.complete(long, 0, true)
	if len(want.Logprobs.LPs) != len(long) {
		t.Fatalf("%d scores of %d tokens", len(want.Logprobs.LPs), len(long))
	}
	check := func(t *testing.T, maxTokens int) {
		t.Helper()
		got, _, completion := c.complete(long, maxTokens, true)
		if n := len(long); completion != maxTokens || len(got.Logprobs.LPs) != n+maxTokens || !slices.Equal(got.Logprobs.LPs[:n], want.Logprobs.LPs) ||
			!reflect.DeepEqual(got.Logprobs.Tops[:n], want.Logprobs.Tops) || !slices.Equal(got.Logprobs.Offsets[:n], want.Logprobs.Offsets) {
			t.Error("other scores")
		}
	}
	t.Run("as harnesses ask", func(t *testing.T) { check(t, 1) })
	t.Run("beside others, and a shard dies", func(t *testing.T) {
		var others sync.WaitGroup
		for i := range 6 {
			others.Go(func() {
				for k := range 4 {
					c.complete(prompts[i], 40+k, false)
				}
			})
		}
		others.Go(func() { check(t, 0) })
		others.Go(func() { check(t, 1) })
		time.Sleep(150 * time.Millisecond)
		c.kill("shard-2")
		others.Wait()
		c.waitReady(30 * time.Second)
	})
	t.Run("one shard", func(t *testing.T) {
		c.mustOps("scale", "1")
		c.waitReady(30 * time.Second)
		check(t, 0)
		if s := c.status(); len(s.Stages) != 1 {
			t.Errorf("%d stages", len(s.Stages))
		}
	})
	c.mustOps("usage", "verify")
}
