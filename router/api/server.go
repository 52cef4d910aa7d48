package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/sse"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Options of a Server.
type Options struct {
	Ledger    account.Ledger
	Journal   Journal
	Keys      Keys
	Account   Account
	Generator *generate.Client
	// Model is what is served now, nil while it is not known.
	Model func() *Model
	// Ready tells whether a canary went through every stage, or why not.
	Ready func() (ready bool, reason string)

	Router        string   // this router's name, as in requests' ids
	Open          bool     // no key is needed until one is made
	Origins       []string // of web pages that may call, "*" for all, none by default
	ModelDefaults bool     // sampling defaults come from the model's generation_config
	Prices        account.Prices
	Timeout       time.Duration // of a request, 0: 10 minutes
	KeepAlive     time.Duration // silence after which a stream gets a comment, 0: 10 s
	MaxRequests   int           // at once, 0: 1024
	MaxBody       int64         // bytes, 0: 16 MiB
	MaxBodies     int64         // bytes of all that have not been admitted, less 64 KiB of each, 0: 256 MiB
	BodyTimeout   time.Duration // in which a client must send its body, 0: a minute
	WriteTimeout  time.Duration // in which a client must take what is written, each time, 0: 30 s
	Version       string
	Registry      *prometheus.Registry // nil: a new one
	Logger        *slog.Logger
}

// Journal is where delivered positions go before they are delivered.
type Journal interface {
	Deliver(hold uint64, marks ...account.Mark) error
}

// Keys finds the key of a request.
type Keys interface {
	Authenticate(secret string, open bool) (key string, err error)
	HasKeys() bool
}

// Account is what the owner of a key may know of it.
type Account interface {
	Standing(ctx context.Context, key, user string) (account.Standing, error)
	Usage(ctx context.Context, q account.Query) ([]account.Total, error)
}

// Server answers HTTP requests.
type Server struct {
	Options
	metrics *metrics
	slots   chan struct{}
	queue   *queue
	mux     *http.ServeMux
}

// New makes a server.
func New(o Options) *Server {
	o.Timeout = cmp.Or(o.Timeout, 10*time.Minute)
	o.KeepAlive = cmp.Or(o.KeepAlive, 10*time.Second)
	o.MaxRequests = cmp.Or(o.MaxRequests, 1024)
	o.MaxBody = cmp.Or(o.MaxBody, 16<<20)
	o.MaxBodies = cmp.Or(o.MaxBodies, 256<<20)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, time.Minute)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, writeTimeout)
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Server{Options: o, metrics: newMetrics(o.Registry), slots: make(chan struct{}, o.MaxRequests), queue: newQueue(&o), mux: http.NewServeMux()}
	s.routes()
	return s
}

// routes lists what there is. Methods are checked in serve, so that a wrong one is answered as JSON.
func (s *Server) routes() {
	for _, prefix := range []string{"/v1", "/v1/openai"} {
		s.route(prefix+"/chat/completions", "chat", http.MethodPost, s.keyed(s.completions(readChat, "chatcmpl-")))
		s.route(prefix+"/completions", "completions", http.MethodPost, s.keyed(s.completions(readCompletion, "cmpl-")))
		s.route(prefix+"/responses", "responses", http.MethodPost, s.keyed(s.completions(readResponse, "resp_")))
		s.route(prefix+"/key", "key", http.MethodGet, s.keyed(s.limited(s.ownKey)))
		s.route(prefix+"/embeddings", "embeddings", http.MethodPost, s.keyed(s.embeddings))
		s.route(prefix+"/models", "models", http.MethodGet, s.keyed(s.models))
		s.route(prefix+"/models/{id...}", "models", http.MethodGet, s.keyed(s.oneModel))
	}
	s.route("/tokenize", "tokenize", http.MethodPost, s.keyed(s.limited(s.tokenize)))
	s.route("/detokenize", "detokenize", http.MethodPost, s.keyed(s.limited(s.detokenize)))
	s.route("/apply-template", "apply-template", http.MethodPost, s.keyed(s.limited(s.applyTemplate)))
	s.route("/health", "health", http.MethodGet, s.health)
	s.route("/ready", "ready", http.MethodGet, s.ready)
	s.route("/version", "version", http.MethodGet, s.version)
	exposition := promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{})
	s.route("/metrics", "metrics", http.MethodGet, func(w http.ResponseWriter, r *http.Request) *Error {
		exposition.ServeHTTP(w, r)
		return nil
	})
	s.route("/", "unknown", "", func(w http.ResponseWriter, r *http.Request) *Error {
		return &Error{Status: http.StatusNotFound, Type: typeInvalid, Code: "unknown_url", Message: "There is nothing at " + r.Method + " " + r.URL.Path + "."}
	})
}

// handler answers a request, or returns an error that has not been written.
type handler func(http.ResponseWriter, *http.Request) *Error

func (s *Server) route(pattern, name, method string, h handler) {
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		if method != "" && r.Method != method && (method != http.MethodGet || r.Method != http.MethodHead) {
			w.Header().Set("Allow", method)
			(&Error{Status: http.StatusMethodNotAllowed, Type: typeInvalid, Code: "method_not_allowed", Message: "Use " + method + " for " + r.URL.Path + "."}).write(w)
			s.metrics.requests.WithLabelValues(name, "405").Inc()
			return
		}
		s.serve(w, r, name, h)
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rw := &responseWriter{ResponseWriter: w, began: time.Now()}
	rw.Header().Set("x-request-id", requestID(r))
	if s.preflight(rw, r) {
		return
	}
	defer s.rescue(rw, r)
	s.mux.ServeHTTP(rw, r)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request, name string, h handler) {
	rw, _ := w.(*responseWriter)
	if err := h(w, r); err != nil && rw.status == 0 {
		err.write(w)
	}
	s.metrics.request(name, rw.status)
}

// rescue answers for a handler that panicked: one request fails, not the process.
func (s *Server) rescue(w *responseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.Logger.Error("a request's handler panicked", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
	if w.status == 0 {
		(&Error{Status: http.StatusInternalServerError, Type: typeServer, Message: "Internal error; the server's log has more."}).write(w)
	}
}

// reader turns the fields of a request into a job. defaults are the sampling parameters of a request that names none.
type reader func(o *object, m *Model, defaults wire.Params) (*job, *Error)

// limited bounds how many requests are worked on at once, of all keys and of each.
func (s *Server) limited(h keyedHandler) keyedHandler {
	return s.slotted(func(w http.ResponseWriter, r *http.Request, key string) *Error {
		return s.queued(r, key, 0, func() *Error { return h(w, r, key) })
	})
}

// slotted bounds how many requests are worked on at once.
func (s *Server) slotted(h keyedHandler) keyedHandler {
	return func(w http.ResponseWriter, r *http.Request, key string) *Error {
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		default:
			return &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: "overloaded",
				Message: "This router has all the requests that it takes at once.", After: time.Second}
		}
		return h(w, r, key)
	}
}

// completions answers one of the endpoints that generate.
func (s *Server) completions(read reader, prefix string) keyedHandler {
	return s.slotted(func(w http.ResponseWriter, r *http.Request, key string) *Error {
		var admitted *run
		err := s.queued(r, key, 1, func() *Error {
			j, err := s.read(w, r, read)
			if err != nil {
				return err
			}
			j.id, j.created, j.key = newID(prefix), time.Now().Unix(), key
			j.requestID = w.Header().Get("x-request-id")
			admitted, err = s.admit(w, r, j)
			return err
		})
		if err != nil {
			return err
		}
		s.metrics.inFlight.Inc()
		defer s.metrics.inFlight.Dec()
		return admitted.do(r.Context())
	})
}

// read makes a job of a request.
func (s *Server) read(w http.ResponseWriter, r *http.Request, read reader) (*job, *Error) {
	o, err := s.body(w, r)
	if err != nil {
		return nil, err
	}
	return s.parse(o, read)
}

func (s *Server) body(w http.ResponseWriter, r *http.Request) (*object, *Error) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(s.BodyTimeout)) // not every ResponseWriter has deadlines
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Type: typeTooLarge,
			Message: "The body is larger than " + byteCount(s.MaxBody) + "."}
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, &Error{Status: http.StatusRequestTimeout, Type: typeInvalid,
			Message: "The body did not come within " + s.BodyTimeout.String() + "."}
	case errors.Is(err, errBodies):
		w.Header().Set("Connection", "close")
		return nil, &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: wire.CodeOverloaded,
			Message: "Too many large bodies are being read at once; send the request again in a moment.", After: time.Second}
	case err != nil:
		return nil, invalid("", "The body could not be read: %s.", err)
	}
	_ = rc.SetReadDeadline(time.Time{})
	return parseObject(data)
}

func (s *Server) parse(o *object, read reader) (*job, *Error) {
	m, err := s.named(o)
	if err != nil {
		return nil, err
	}
	defaults := Neutral()
	if s.ModelDefaults {
		defaults = modelDefaults(m)
	}
	j, err := read(o, m, defaults)
	if err != nil {
		return nil, err
	}
	return j, j.room()
}

// named finds the request's model.
func (s *Server) named(o *object) (*Model, *Error) {
	name := o.str("model", "")
	if name == "" && o.err == nil {
		o.fail("model", "it is required")
	}
	if o.err != nil {
		return nil, o.err
	}
	m := s.Model()
	switch {
	case m == nil:
		return nil, s.noModel()
	case m.Name != name:
		return nil, modelNotFound(name)
	}
	return m, nil
}

func (s *Server) noModel() *Error {
	_, reason := s.Ready()
	return &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: "no_pipeline", After: 2 * time.Second,
		Message: "The model is not known yet: " + reason}
}

// admit has the ledger let a job in.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, j *job) (*run, *Error) {
	began := time.Now()
	grant, err := s.Ledger.Admit(r.Context(), account.Admission{
		ID: account.ID{Router: s.Router, Request: j.id}, Key: j.key, User: j.user, Model: j.model.Name,
		Prompt: j.promptTokens(), Prices: s.Prices,
	})
	if err != nil {
		var refusal *account.Refusal
		if errors.As(err, &refusal) {
			quotaHeaders(w.Header(), refusal.Quota)
			s.metrics.refused.WithLabelValues(string(refusal.Scope)).Inc()
		} else {
			s.Logger.Warn("a request was not admitted", "request", j.id, "error", err)
		}
		return nil, fromLedger(err)
	}
	quotaHeaders(w.Header(), grant.Quota)
	return &run{job: j, s: s, grant: grant, began: began, out: s.newOutput(w, r, j)}, nil
}

func (s *Server) newOutput(w http.ResponseWriter, r *http.Request, j *job) output {
	if j.stream {
		return &stream{format: j.format, sse: sse.NewWriter(w, r, s.WriteTimeout), w: w}
	}
	if f, ok := j.format.(*responseFormat); ok {
		return &wholeResponse{format: f, w: w}
	}
	return &whole{format: j.format, w: w, answers: make([]answer, len(j.prompts)*j.n)}
}

func (s *Server) embeddings(w http.ResponseWriter, r *http.Request, _ string) *Error {
	e := modelNotFound("")
	e.Message = "No embedding model is served here."
	return e
}
