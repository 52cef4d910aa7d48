package admin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// File is the name, within the router's data folder, of the file that tells where the server is.
const File = "admin.json"

// endpoint is what the file holds.
type endpoint struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// NewKeyReply has the only copy of a key's secret.
type NewKeyReply struct {
	Secret string      `json:"secret"`
	Key    account.Key `json:"key"`
}

// Rotation says how long the secret that is replaced stays good.
type Rotation struct {
	KeepSeconds int64 `json:"keep_seconds"`
}

type failure struct {
	Error string `json:"error"`
}

// server answers administrators.
type server struct {
	book  *account.Book
	token string
}

// NewHandler makes the server for a book that will listen at addr, and writes the file that leads to it into folder dir.
func NewHandler(book *account.Book, dir, addr string) (http.Handler, error) {
	s := &server{book: book, token: rand.Text()}
	if err := writeFile(filepath.Join(dir, File), endpoint{URL: "http://" + addr, Token: s.token}); err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /admin/keys", s.createKey)
	mux.HandleFunc("GET /admin/keys", s.listKeys)
	mux.HandleFunc("PATCH /admin/keys/{ref}", s.updateKey)
	mux.HandleFunc("POST /admin/keys/{ref}/rotate", s.rotateKey)
	mux.HandleFunc("DELETE /admin/keys/{ref}", s.revokeKey)
	mux.HandleFunc("GET /admin/usage", s.usage)
	mux.HandleFunc("GET /admin/usage/export", s.export)
	mux.HandleFunc("GET /admin/verify", s.verify)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusNotFound, failure{"there is nothing at " + r.Method + " " + r.URL.Path})
	})
	return s.guarded(mux), nil
}

// writeFile replaces the file as a whole; nobody else may ever read it.
func writeFile(path string, e endpoint) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), File+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cErr := f.Close(); err == nil {
		err = cErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func (s *server) guarded(h http.Handler) http.Handler {
	want := []byte("Bearer " + s.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			reply(w, http.StatusUnauthorized, failure{"the token is not this router's"})
			return
		}
		h.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		reply(w, http.StatusBadRequest, failure{err.Error()})
		return
	}
	reply(w, http.StatusOK, v)
}

// maxOrder bounds an order's body in bytes: limits of 10,000 users fit.
const maxOrder = 4 << 20

// read gives the order in a request's body. What it does not know it refuses: a misspelt limit must not be no limit.
func read[T any](w http.ResponseWriter, r *http.Request) (order T, ok bool) {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&order); err != nil {
		answer(w, nil, fmt.Errorf("the body: %w", err))
		return order, false
	}
	return order, true
}

func (s *server) createKey(w http.ResponseWriter, r *http.Request) {
	if n, ok := read[account.NewKey](w, r); ok {
		secret, key, err := s.book.CreateKey(r.Context(), n)
		answer(w, NewKeyReply{secret, key}, err)
	}
}

func (s *server) listKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := s.book.Keys(r.Context())
	answer(w, keys, err)
}

func (s *server) updateKey(w http.ResponseWriter, r *http.Request) {
	if c, ok := read[account.KeyChange](w, r); ok {
		key, err := s.book.UpdateKey(r.Context(), r.PathValue("ref"), c)
		answer(w, key, err)
	}
}

func (s *server) rotateKey(w http.ResponseWriter, r *http.Request) {
	if o, ok := read[Rotation](w, r); ok {
		secret, key, err := s.book.RotateKey(r.Context(), r.PathValue("ref"), time.Duration(o.KeepSeconds)*time.Second)
		answer(w, NewKeyReply{secret, key}, err)
	}
}

func (s *server) revokeKey(w http.ResponseWriter, r *http.Request) {
	key, err := s.book.RevokeKey(r.Context(), r.PathValue("ref"))
	answer(w, key, err)
}

func (s *server) usage(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := account.Query{Key: v.Get("key"), User: v.Get("user"), ByUser: v.Get("by_user") == "true"}
	if err := errors.Join(instant(v, "since", &q.Since), instant(v, "until", &q.Until)); err != nil {
		answer(w, nil, err)
		return
	}
	totals, err := s.book.Usage(r.Context(), q)
	answer(w, totals, err)
}

func (s *server) export(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	var e account.Export
	if err := errors.Join(instant(v, "from", &e.From), instant(v, "to", &e.To)); err != nil {
		answer(w, nil, err)
		return
	}
	if by := v.Get("by"); by != "" {
		e.By = strings.Split(by, ",")
	}
	rows, err := s.book.Export(r.Context(), e)
	answer(w, rows, err)
}

// instant reads an RFC 3339 time of a query; what is not there stays.
func instant(v url.Values, name string, to *time.Time) error {
	text := v.Get(name)
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*to = t
	return nil
}

func (s *server) verify(w http.ResponseWriter, _ *http.Request) {
	report, err := s.book.Verify()
	answer(w, report, err)
}
