package admin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
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
	mux.HandleFunc("POST /keys", s.createKey)
	mux.HandleFunc("GET /keys", s.listKeys)
	mux.HandleFunc("DELETE /keys/{ref}", s.revokeKey)
	mux.HandleFunc("GET /usage", s.usage)
	mux.HandleFunc("GET /verify", s.verify)
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

func (s *server) createKey(w http.ResponseWriter, r *http.Request) {
	var n account.NewKey
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&n)
	if err != nil {
		answer(w, nil, fmt.Errorf("the key's description: %w", err))
		return
	}
	secret, key, err := s.book.CreateKey(r.Context(), n)
	key.Hash = nil
	answer(w, NewKeyReply{secret, key}, err)
}

func (s *server) listKeys(w http.ResponseWriter, r *http.Request) {
	keys, err := s.book.Keys(r.Context())
	answer(w, keys, err)
}

func (s *server) revokeKey(w http.ResponseWriter, r *http.Request) {
	key, err := s.book.RevokeKey(r.Context(), r.PathValue("ref"))
	key.Hash = nil
	answer(w, key, err)
}

func (s *server) usage(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	q := account.Query{Key: v.Get("key"), User: v.Get("user"), ByUser: v.Get("by_user") == "true"}
	if since := v.Get("since"); since != "" {
		t, err := time.Parse(time.RFC3339, since)
		if err != nil {
			answer(w, nil, fmt.Errorf("since: %w", err))
			return
		}
		q.Since = t
	}
	totals, err := s.book.Usage(r.Context(), q)
	answer(w, totals, err)
}

func (s *server) verify(w http.ResponseWriter, _ *http.Request) {
	report, err := s.book.Verify()
	answer(w, report, err)
}
