package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// endpoint says where the OpenAI endpoint is.
type endpoint struct {
	URL  string `env:"STAGECOACH_URL" help:"Base URL of the endpoint (default: the local cluster's)."`
	Key  string `env:"STAGECOACH_API_KEY" help:"API key, better given in the environment."`
	Data string `env:"STAGECOACH_DATA" help:"Data folder of a local cluster."`
}

// message is one turn of a conversation.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// tokenUsage is what a request was charged.
type tokenUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
}

// chunk is one event of a streamed answer, of chat and of plain completions.
type chunk struct {
	Choices []struct {
		Text  string  `json:"text"`
		Delta message `json:"delta"`
	} `json:"choices"`
	Usage *tokenUsage `json:"usage"`
	Error *apiError   `json:"error"`
}

type apiError struct {
	Message string `json:"message"`
}

// maxEvent bounds one line of a stream in bytes.
const maxEvent = 4 << 20

// do sends a request; body may be nil. The caller closes the answer's body.
func (e *endpoint) do(ctx context.Context, method, path string, body any) (*http.Response, error) {
	base, client := e.URL, http.DefaultClient
	if base == "" {
		c, err := (&target{Data: e.Data}).local()
		if err != nil {
			return nil, err
		}
		base, client = c.HTTP, clientOf(c.TLSCert)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if e.Key != "" {
		req.Header.Set("Authorization", "Bearer "+e.Key)
	}
	resp, err := client.Do(req)
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	defer resp.Body.Close()
	var failed struct{ Error apiError }
	if json.NewDecoder(io.LimitReader(resp.Body, maxEvent)).Decode(&failed) == nil && failed.Error.Message != "" {
		return nil, fmt.Errorf("%s: %s", resp.Status, failed.Error.Message)
	}
	return nil, errors.New(resp.Status)
}

// model is the id of the model that the endpoint serves.
func (e *endpoint) model(ctx context.Context) (string, error) {
	resp, err := e.do(ctx, http.MethodGet, "/v1/models", nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var list struct{ Data []struct{ ID string } }
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxEvent)).Decode(&list); err != nil {
		return "", fmt.Errorf("list of models: %w", err)
	}
	if len(list.Data) == 0 {
		return "", errors.New("the endpoint serves no model yet")
	}
	return list.Data[0].ID, nil
}

// stream posts a request and calls fn for each event of the answer (server-sent events, HTML standard section 9.2,
// as far as the endpoint uses them).
func (e *endpoint) stream(ctx context.Context, path string, request any, fn func(*chunk)) error {
	resp, err := e.do(ctx, http.MethodPost, path, request)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return nil
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return fmt.Errorf("event of the answer: %w", err)
		}
		if c.Error != nil {
			return errors.New(c.Error.Message)
		}
		fn(&c)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("answer broken off: %w", err)
	}
	return errors.New("answer broken off")
}
