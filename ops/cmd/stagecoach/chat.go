package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
)

type chatCmd struct {
	endpoint
	System      string   `help:"System prompt."`
	Temperature float64  `default:"0" help:"0 is greedy."`
	MaxTokens   int      `default:"0" help:"Longest answer in tokens (0: what fits)."`
	Say         []string `arg:"" optional:"" help:"One message; without it, a conversation."`
}

// chatRequest is the part of a chat request that this command uses.
type chatRequest struct {
	Model       string    `json:"model"`
	Messages    []message `json:"messages"`
	Temperature float64   `json:"temperature"`
	MaxTokens   int       `json:"max_completion_tokens,omitempty"`
	Stream      bool      `json:"stream"`
}

func (c *chatCmd) Run(ctx context.Context) error {
	model, err := c.model(ctx)
	if err != nil {
		return err
	}
	r := chatRequest{Model: model, Temperature: c.Temperature, MaxTokens: c.MaxTokens, Stream: true}
	if c.System != "" {
		r.Messages = append(r.Messages, message{"system", c.System})
	}
	if len(c.Say) > 0 {
		r.Messages = append(r.Messages, message{"user", strings.Join(c.Say, " ")})
		_, err := c.answer(ctx, r)
		return err
	}
	return c.converse(ctx, r)
}

// converse reads lines until the input ends. A turn that fails is not remembered.
func (c *chatCmd) converse(ctx context.Context, r chatRequest) error {
	fmt.Printf("%s; an empty line or Ctrl-D ends.\n", shown(r.Model))
	in := bufio.NewScanner(os.Stdin)
	for fmt.Print("> "); in.Scan() && strings.TrimSpace(in.Text()) != ""; fmt.Print("> ") {
		turn := r
		turn.Messages = append(r.Messages[:len(r.Messages):len(r.Messages)], message{"user", in.Text()})
		text, err := c.answer(ctx, turn)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "stagecoach: %s\n", shownText(err.Error()))
			continue
		}
		r.Messages = append(turn.Messages, message{"assistant", text})
	}
	fmt.Println()
	return in.Err()
}

// answer streams one answer to standard output and gives its text.
func (c *chatCmd) answer(ctx context.Context, r chatRequest) (string, error) {
	var text strings.Builder
	err := c.stream(ctx, "/v1/chat/completions", r, func(ch *chunk) {
		for _, choice := range ch.Choices {
			fmt.Print(choice.Delta.Content)
			text.WriteString(choice.Delta.Content)
		}
	})
	fmt.Println()
	return text.String(), err
}
