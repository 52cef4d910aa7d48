package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// keyedHandler answers a request that is accounted to a key.
type keyedHandler func(w http.ResponseWriter, r *http.Request, key string) *Error

// keyed lets a handler have only requests with a good key.
func (s *Server) keyed(h keyedHandler) handler {
	return func(w http.ResponseWriter, r *http.Request) *Error {
		key, err := s.Keys.Authenticate(bearer(r), s.Open)
		if err != nil {
			return s.noEntry(err)
		}
		if key == account.LocalKey {
			if err := s.fromPage(r); err != nil {
				return err
			}
		}
		return h(w, r, key)
	}
}

// bearer is the secret of the Authorization header, "" for none.
func bearer(r *http.Request) string {
	scheme, secret, _ := strings.Cut(strings.TrimSpace(r.Header.Get("Authorization")), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// uselessKey says as a sentence why a key that is known is refused.
func uselessKey(err error) *Error { return unauthorized(sentence(err)) }

func (s *Server) noEntry(err error) *Error {
	if errors.Is(err, account.ErrUnavailable) || errors.Is(err, account.ErrClosed) {
		return fromLedger(err)
	}
	s.metrics.refused.WithLabelValues("key").Inc()
	switch {
	case !s.Keys.HasKeys():
		return unauthorized("This router listens beyond loopback and has no API keys yet. Make one with `stagecoach keys create` " +
			"on the router's machine and send it as `Authorization: Bearer sk-…`.")
	case errors.Is(err, account.ErrNoKey):
		return unauthorized("No API key was given. Send it as `Authorization: Bearer sk-…`.")
	case errors.Is(err, account.ErrUnknownKey):
		return unauthorized("Incorrect API key given.")
	}
	return uselessKey(err)
}
