package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type healthCmd struct {
	URL     string        `arg:"" optional:"" default:"http://127.0.0.1:8080/ready" env:"STAGECOACH_HEALTH_URL" help:"What to ask."`
	Timeout time.Duration `default:"3s"`

	client *http.Client // nil: http.DefaultClient
}

func (c *healthCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	url := c.URL
	if !strings.Contains(url, "://") { // host:port/path, as people type it
		url = "http://" + url
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := cmp.Or(c.client, http.DefaultClient).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", c.URL, resp.Status, strings.TrimSpace(string(body)))
	}
	return nil
}
