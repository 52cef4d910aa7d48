package api

import (
	"net/http"
)

type modelBody struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Context int    `json:"max_model_len"`
}

type modelList struct {
	Object string      `json:"object"`
	Data   []modelBody `json:"data"`
}

func describe(m *Model) modelBody {
	return modelBody{ID: m.Name, Object: "model", Created: m.Created.Unix(), OwnedBy: "stagecoach", Context: m.context()}
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request, _ string) *Error {
	list := modelList{Object: "list", Data: []modelBody{}}
	if m := s.Model(); m != nil {
		list.Data = append(list.Data, describe(m))
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func (s *Server) oneModel(w http.ResponseWriter, r *http.Request, _ string) *Error {
	m := s.Model()
	switch id := r.PathValue("id"); {
	case m == nil:
		return s.noModel()
	case m.Name != id:
		return modelNotFound(id)
	}
	writeJSON(w, http.StatusOK, describe(m))
	return nil
}

// state is the answer of /health, /ready and /version.
type state struct {
	Status  string `json:"status"`
	Reason  string `json:"reason,omitempty"`
	Version string `json:"version,omitempty"`
	Model   string `json:"model,omitempty"`
}

// health: this process answers.
func (s *Server) health(w http.ResponseWriter, _ *http.Request) *Error {
	writeJSON(w, http.StatusOK, state{Status: "ok"})
	return nil
}

// ready: the model is known and a canary went through every stage of the current plan.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) *Error {
	ok, reason := s.Ready()
	if !ok || s.Model() == nil {
		w.Header().Set("Retry-After", "1")
		writeJSON(w, http.StatusServiceUnavailable, state{Status: "not ready", Reason: reason})
		return nil
	}
	writeJSON(w, http.StatusOK, state{Status: "ready", Model: s.Model().Name})
	return nil
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) *Error {
	out := state{Status: "ok", Version: s.Version}
	if m := s.Model(); m != nil {
		out.Model = m.Name
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}
