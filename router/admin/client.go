package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// ErrNoRouter is returned when no router runs on a data folder.
var ErrNoRouter = errors.New("admin: no router runs on this data folder")

// Client asks a running router.
type Client struct {
	at   endpoint
	http http.Client
}

// requestTimeout bounds one question; verifying a long ledger takes a while.
const requestTimeout = time.Minute

// Dial finds the router of a data folder on this machine.
func Dial(dir string) (*Client, error) {
	data, err := os.ReadFile(filepath.Join(dir, File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoRouter, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	c := &Client{http: http.Client{Timeout: requestTimeout}}
	if err := json.Unmarshal(data, &c.at); err != nil {
		return nil, fmt.Errorf("admin: %s: %w", File, err)
	}
	return c, nil
}

// CreateKey makes a key and returns its secret, which exists nowhere else.
func (c *Client) CreateKey(ctx context.Context, n account.NewKey) (secret string, key account.Key, err error) {
	var r NewKeyReply
	err = c.call(ctx, http.MethodPost, "/keys", n, &r)
	return r.Secret, r.Key, err
}

// Keys lists the keys, oldest first.
func (c *Client) Keys(ctx context.Context) (keys []account.Key, err error) {
	err = c.call(ctx, http.MethodGet, "/keys", nil, &keys)
	return keys, err
}

// RevokeKey disables a key, named by id or by a name that only one key has.
func (c *Client) RevokeKey(ctx context.Context, ref string) (key account.Key, err error) {
	err = c.call(ctx, http.MethodDelete, "/keys/"+url.PathEscape(ref), nil, &key)
	return key, err
}

// UpdateKey changes a key's limits, models, end, or disables and enables it.
func (c *Client) UpdateKey(ctx context.Context, ref string, change account.KeyChange) (key account.Key, err error) {
	err = c.call(ctx, http.MethodPatch, "/keys/"+url.PathEscape(ref), change, &key)
	return key, err
}

// RotateKey gives a key a new secret; the one before stays good for as long as keep says, in whole seconds.
func (c *Client) RotateKey(ctx context.Context, ref string, keep time.Duration) (secret string, key account.Key, err error) {
	var r NewKeyReply
	err = c.call(ctx, http.MethodPost, "/keys/"+url.PathEscape(ref)+"/rotate", Rotation{KeepSeconds: int64(keep / time.Second)}, &r)
	return r.Secret, r.Key, err
}

// Usage sums up what was used.
func (c *Client) Usage(ctx context.Context, q account.Query) (totals []account.Total, err error) {
	v := url.Values{"key": {q.Key}, "user": {q.User}}
	setInstant(v, "since", q.Since)
	setInstant(v, "until", q.Until)
	if q.ByUser {
		v.Set("by_user", "true")
	}
	err = c.call(ctx, http.MethodGet, "/usage?"+v.Encode(), nil, &totals)
	return totals, err
}

// Export breaks usage down.
func (c *Client) Export(ctx context.Context, e account.Export) (rows []account.Row, err error) {
	v := url.Values{"by": {strings.Join(e.By, ",")}}
	setInstant(v, "from", e.From)
	setInstant(v, "to", e.To)
	err = c.call(ctx, http.MethodGet, "/usage/export?"+v.Encode(), nil, &rows)
	return rows, err
}

func setInstant(v url.Values, name string, t time.Time) {
	if !t.IsZero() {
		v.Set(name, t.Format(time.RFC3339Nano))
	}
}

// Verify has the router check its books.
func (c *Client) Verify(ctx context.Context) (report account.Report, err error) {
	err = c.call(ctx, http.MethodGet, "/verify", nil, &report)
	return report, err
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("admin: %w", err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.at.URL+"/admin"+path, body)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.at.Token)
	resp, err := c.http.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: nobody listens at %s", ErrNoRouter, c.at.URL)
	}
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	defer resp.Body.Close()
	return decode(resp, out)
}

// maxReply bounds what a client reads; a list of all users of a large site is long.
const maxReply = 256 << 20

func decode(resp *http.Response, out any) error {
	dec := json.NewDecoder(io.LimitReader(resp.Body, maxReply))
	if resp.StatusCode == http.StatusOK {
		if err := dec.Decode(out); err != nil {
			return fmt.Errorf("admin: answer: %w", err)
		}
		return nil
	}
	var f failure
	if err := dec.Decode(&f); err != nil || f.Error == "" {
		return fmt.Errorf("admin: the router says %s", resp.Status)
	}
	return errors.New("admin: " + f.Error)
}
