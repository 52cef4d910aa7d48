package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/grafana/pyroscope-go"
)

const (
	uploadTimeout = 10 * time.Second
	// uploadGrace is how long uploads may take to end once they have been cancelled.
	uploadGrace = time.Second
)

// profiler uploads profiles until it is stopped.
type profiler struct {
	session *pyroscope.Profiler
	cancel  context.CancelFunc // ends uploads in flight
}

// startProfiler returns nil where no server is named.
func startProfiler(o Options) (*profiler, error) {
	if o.Pyroscope == "" {
		return nil, nil
	}
	u, err := url.Parse(o.Pyroscope)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("telemetry: Pyroscope URL: want http://host:port, not %q", o.Pyroscope)
	}
	ctx, cancel := context.WithCancel(context.Background())
	session, err := pyroscope.Start(pyroscope.Config{
		ApplicationName: "stagecoach." + o.Role,
		ServerAddress:   o.Pyroscope,
		Tags:            map[string]string{"node": o.Node, "version": o.Version},
		Logger:          &profilerLog{log: o.Logger},
		HTTPClient:      &uploader{ctx: ctx, client: &http.Client{Timeout: uploadTimeout}},
		// The library would otherwise force a collection whenever none ran between two uploads.
		DisableGCRuns: true,
		ProfileTypes: []pyroscope.ProfileType{
			pyroscope.ProfileCPU, pyroscope.ProfileAllocObjects, pyroscope.ProfileAllocSpace,
			pyroscope.ProfileInuseObjects, pyroscope.ProfileInuseSpace,
		},
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("telemetry: start profiler: %w", err)
	}
	return &profiler{session, cancel}, nil
}

// stop uploads what was collected. When ctx ends first, the uploads are given up.
func (p *profiler) stop(ctx context.Context) error {
	defer p.cancel()
	done := make(chan error, 1)
	go func() { done <- p.session.Stop() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		p.cancel()
	}
	select {
	case <-done:
		return nil
	case <-time.After(uploadGrace):
		return fmt.Errorf("profiler does not stop: %w", ctx.Err())
	}
}

// uploader is an HTTP client whose requests end with ctx.
type uploader struct {
	ctx    context.Context
	client *http.Client
}

func (u *uploader) Do(r *http.Request) (*http.Response, error) {
	return u.client.Do(r.WithContext(u.ctx))
}

// profilerLog writes the library's lines. A server that is away fails every upload, which is said every few minutes.
type profilerLog struct {
	log  *slog.Logger
	mu   sync.Mutex
	said time.Time
}

const profilerQuiet = 5 * time.Minute

func (l *profilerLog) Debugf(string, ...any) {}

func (l *profilerLog) Infof(format string, v ...any) {
	l.log.Debug("pyroscope: " + fmt.Sprintf(format, v...))
}

func (l *profilerLog) Errorf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.said.IsZero() && time.Since(l.said) < profilerQuiet {
		return
	}
	l.said = time.Now()
	l.log.Warn("profiles are not uploaded", "err", fmt.Sprintf(format, v...))
}
