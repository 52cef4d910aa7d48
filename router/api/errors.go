package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Error is an answer other than 200.
type Error struct {
	Status  int
	Type    string
	Code    string // "" is null
	Param   string // "" is null
	Message string
	After   time.Duration // Retry-After; 0 is none
	NoRetry bool          // tells the SDKs not to try again, whatever the status
}

func (e *Error) Error() string { return e.Message }

// Types of the error envelope.
const (
	typeInvalid    = "invalid_request_error"
	typePermission = "permission_error"
	typeRateLimit  = "rate_limit_error"
	typeQuota      = "insufficient_quota"
	typeTooLarge   = "request_too_large"
	typeServer     = "server_error"
)

// invalid is a 400 about one field.
func invalid(param, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Type: typeInvalid, Param: param, Message: fmt.Sprintf(format, args...)}
}

func withCode(e *Error, code string) *Error {
	e.Code = code
	return e
}

type envelope struct {
	Error body `json:"error"`
}

type body struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (e *Error) envelope() envelope {
	return envelope{body{e.Message, e.Type, orNull(e.Param), orNull(e.Code)}}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// write sends the error as the whole answer.
func (e *Error) write(w http.ResponseWriter) {
	h := w.Header()
	if e.After > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(e.After.Seconds())), 10))
		h.Set("retry-after-ms", strconv.FormatInt(int64(math.Ceil(float64(e.After)/float64(time.Millisecond))), 10))
	}
	if e.NoRetry {
		h.Set("x-should-retry", "false")
	}
	if e.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, e.Status, e.envelope())
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	// Not every ResponseWriter has deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the client may be gone; there is nobody else to tell
}

// fromLedger turns what an admission was refused for into an answer.
func fromLedger(err error) *Error {
	var r *account.Refusal
	if errors.As(err, &r) {
		return fromRefusal(r)
	}
	switch {
	case errors.Is(err, account.ErrRevoked), errors.Is(err, account.ErrDisabled), errors.Is(err, account.ErrExpired),
		errors.Is(err, account.ErrUnknownKey):
		return uselessKey(err)
	case errors.Is(err, account.ErrModel):
		return &Error{Status: http.StatusForbidden, Type: typePermission, Code: "model_not_allowed", Param: "model", Message: sentence(err)}
	case errors.Is(err, context.Canceled):
		return gone()
	}
	return &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: wire.CodeOverloaded,
		Message: "The request cannot be accounted for now; the server's log has more.", After: time.Second}
}

func fromRefusal(r *account.Refusal) *Error {
	e := &Error{Status: http.StatusTooManyRequests, Type: typeRateLimit, Code: "rate_limit_exceeded", After: r.After}
	whose := "this API key"
	if r.User {
		whose = "this user of the API key"
	}
	switch {
	case r.Scope == account.ScopeBudget:
		e.Type, e.Code, e.NoRetry = typeQuota, "insufficient_quota", true
		e.Message = fmt.Sprintf("The budget of %s, %s, is used up.", whose, r.Limit)
		if !r.Renews.IsZero() {
			e.Message = fmt.Sprintf("The budget of %s, %s a %s, is used up until %s.", whose, r.Limit, r.Window, r.Renews.Format(time.RFC3339))
		}
	case r.Scope == account.ScopeConcurrency:
		e.Code = "concurrency_limit"
		e.Message = fmt.Sprintf("%s may run %s requests at once.", upperFirst(whose), r.Limit)
	case r.After == 0:
		e.NoRetry = true
		e.Message = fmt.Sprintf("The prompt alone is longer than the limit of %s %s of %s.", r.Limit, r.Scope, whose)
	default:
		e.Message = fmt.Sprintf("The limit of %s %s of %s is reached. Try again in %s.", r.Limit, r.Scope, whose, r.After.Round(time.Millisecond))
	}
	return e
}

// sentence makes an error's text one.
func sentence(err error) string { return upperFirst(err.Error()) + "." }

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// ErrShutdown is the cause with which a server's context ends when it must give up running requests.
var ErrShutdown = errors.New("the router is shutting down")

// fromRun turns what ended a run into an answer. ctx is the request's.
func fromRun(ctx context.Context, err error) *Error {
	var g *generate.Error
	switch {
	case errors.As(err, &g):
		return fromPipeline(g)
	case errors.Is(context.Cause(ctx), ErrShutdown):
		return &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: wire.CodeOverloaded,
			Message: "The router is shutting down.", After: time.Second}
	case unaccountable(err):
		return fromLedger(err)
	case errors.Is(err, context.Canceled):
		return gone()
	}
	return &Error{Status: http.StatusInternalServerError, Type: typeServer, Message: "Internal error; the server's log has more."}
}

// unaccountable reports whether a run ended because the books could not be kept.
func unaccountable(err error) bool {
	return errors.Is(err, account.ErrUnavailable) || errors.Is(err, account.ErrClosed) || errors.Is(err, account.ErrUnknownRequest)
}

// fromPipeline turns the end of a stream of tokens into an answer.
func fromPipeline(g *generate.Error) *Error {
	e := &Error{Status: http.StatusServiceUnavailable, Type: typeServer, Code: g.Code, Message: g.Message, After: g.RetryAfter}
	switch g.Code {
	case wire.CodeTooLong, wire.CodeInvalid:
		e.Status, e.Type = http.StatusBadRequest, typeInvalid
	case wire.CodeModel:
		e.Status, e.Type = http.StatusNotFound, typeInvalid
	case wire.CodeTimeout:
		e.Status = http.StatusGatewayTimeout
	case wire.CodeOverloaded, wire.CodeNoPipeline, wire.CodeStage, wire.CodeMemory:
		e.After = max(e.After, time.Second)
	default: // numeric, and what a newer coordinator may say
		e.Status = http.StatusInternalServerError
	}
	if e.Message == "" {
		e.Message = "The pipeline could not answer: " + g.Code
	}
	return e
}

// gone is the answer that nobody reads, for logs and metrics (nginx's 499).
func gone() *Error {
	return &Error{Status: 499, Type: typeServer, Code: "client_closed_request", Message: "the client went away"}
}

func unauthorized(message string) *Error {
	return &Error{Status: http.StatusUnauthorized, Type: typeInvalid, Code: "invalid_api_key", Message: message}
}

func modelNotFound(name string) *Error {
	return &Error{Status: http.StatusNotFound, Type: typeInvalid, Code: "model_not_found", Param: "model",
		Message: fmt.Sprintf("The model %q does not exist here. GET /v1/models lists what does.", name)}
}
