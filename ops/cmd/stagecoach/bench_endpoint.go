package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

type benchEndpointCmd struct {
	endpoint
	output
	Clients  int `default:"1" help:"Requests at the same time."`
	Requests int `default:"0" help:"Requests in all (0: two per client)."`
	Prompt   int `default:"64" help:"About how many prompt tokens."`
	Tokens   int `default:"128" help:"Output tokens of each request."`
}

// benchResult is what bench measured. Times are in milliseconds, rates in tokens per second.
type benchResult struct {
	Model        string  `json:"model"`
	Clients      int     `json:"clients"`
	Requests     int     `json:"requests"`
	Failed       int     `json:"failed"`
	PromptTokens int64   `json:"prompt_tokens"`
	OutputTokens int64   `json:"output_tokens"`
	Seconds      float64 `json:"seconds"`
	OutputRate   float64 `json:"output_rate"`
	FirstP50     float64 `json:"first_token_p50_ms"`
	FirstP95     float64 `json:"first_token_p95_ms"`
	EachP50      float64 `json:"per_token_p50_ms"`
	EachP95      float64 `json:"per_token_p95_ms"`
}

// sample is one request's outcome.
type sample struct {
	err            error
	prompt, output int64
	first, each    time.Duration
}

func (c *benchEndpointCmd) Run(ctx context.Context) error {
	if c.Clients < 1 || c.Requests < 0 || c.Tokens < 1 {
		return fmt.Errorf("%d clients, %d requests of %d tokens: at least 1 client and 1 token, and no negative number", c.Clients, c.Requests, c.Tokens)
	}
	model, err := c.model(ctx)
	if err != nil {
		return err
	}
	n := c.Requests
	if n == 0 {
		n = 2 * c.Clients
	}
	start := time.Now()
	samples := c.drive(ctx, n, func(i int) sample { return c.request(ctx, model, i) })
	if err := ctx.Err(); err != nil {
		return err
	}
	r := summarise(samples, time.Since(start))
	r.Model, r.Clients = model, c.Clients
	if r.Failed == n {
		return fmt.Errorf("every request failed: %w", samples[0].err)
	}
	return c.print(r, func(w io.Writer) {
		fmt.Fprintf(w, "model\t%s\nclients\t%d\nrequests\t%d, %d failed\n", shown(r.Model), r.Clients, r.Requests, r.Failed)
		fmt.Fprintf(w, "tokens\t%d prompt, %d output in %.2f s\noutput\t%.1f tokens/s\n", r.PromptTokens, r.OutputTokens, r.Seconds, r.OutputRate)
		fmt.Fprintf(w, "first token\t%.1f ms median, %.1f ms 95th\nper token\t%.2f ms median, %.2f ms 95th\n", r.FirstP50, r.FirstP95, r.EachP50, r.EachP95)
	})
}

// drive runs n requests, Clients at a time, and begins no more once ctx has ended.
func (c *benchEndpointCmd) drive(ctx context.Context, n int, one func(int) sample) []sample {
	samples := make([]sample, n)
	next := make(chan int)
	var wg sync.WaitGroup
	for range c.Clients {
		wg.Go(func() {
			for i := range next {
				samples[i] = one(i)
			}
		})
	}
feed:
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return samples
}

// completionRequest is the part of a completion request that bench uses.
type completionRequest struct {
	Model         string  `json:"model"`
	Prompt        string  `json:"prompt"`
	MaxTokens     int     `json:"max_tokens"`
	Temperature   float64 `json:"temperature"`
	IgnoreEOS     bool    `json:"ignore_eos"`
	Stream        bool    `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// request streams one answer of exactly Tokens tokens. Prompts differ from their first word on, so that no prefix
// is found in the cache.
func (c *benchEndpointCmd) request(ctx context.Context, model string, i int) (s sample) {
	r := completionRequest{
		Model: model, Prompt: fmt.Sprintf("%d %s", i, strings.Repeat("tell me more about it ", max(1, c.Prompt/5))),
		MaxTokens: c.Tokens, IgnoreEOS: true, Stream: true,
	}
	r.StreamOptions.IncludeUsage = true
	start := time.Now()
	var first, last time.Time
	s.err = c.stream(ctx, "/v1/completions", r, func(ch *chunk) {
		if len(ch.Choices) > 0 {
			last = time.Now()
			if first.IsZero() {
				first = last
			}
		}
		if ch.Usage != nil {
			s.prompt, s.output = ch.Usage.Prompt, ch.Usage.Completion
		}
	})
	if s.err == nil && s.output == 0 {
		s.err = errors.New("the answer is empty")
	}
	s.first = first.Sub(start)
	if s.output > 1 {
		s.each = last.Sub(first) / time.Duration(s.output-1)
	}
	return s
}

func summarise(samples []sample, took time.Duration) benchResult {
	r := benchResult{Requests: len(samples), Seconds: took.Seconds()}
	var first, each []time.Duration
	for _, s := range samples {
		if s.err != nil {
			r.Failed++
			continue
		}
		r.PromptTokens += s.prompt
		r.OutputTokens += s.output
		first, each = append(first, s.first), append(each, s.each)
	}
	r.OutputRate = float64(r.OutputTokens) / took.Seconds()
	r.FirstP50, r.FirstP95 = percentile(first, 50), percentile(first, 95)
	r.EachP50, r.EachP95 = percentile(each, 50), percentile(each, 95)
	return r
}

// percentile gives the p-th percentile in milliseconds, 0 of nothing.
func percentile(d []time.Duration, p int) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[min(len(d)-1, len(d)*p/100)]) / 1e6
}
