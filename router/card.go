package router

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/api"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const (
	watchEvery  = 500 * time.Millisecond
	askWithin   = 2 * time.Second
	lostAfter   = 3        // unanswered questions
	maxCard     = 64 << 20 // bytes, packed; a card of 152,000 tokens has 2 MB
	maxUnpacked = 512 << 20
)

// watch follows the coordinator: whether the pipeline is ready, and which model it serves. Its fields are written by run only.
type watch struct {
	Options
	model atomic.Pointer[api.Model]
	ready atomic.Pointer[readiness]
	lost  int // questions without an answer since the last one
}

type readiness struct {
	ok     bool
	reason string
}

// Model is what is served, nil while it is not known.
func (w *watch) Model() *api.Model { return w.model.Load() }

// Ready is the coordinator's latest word, or why there is none.
func (w *watch) Ready() (bool, string) {
	switch r := w.ready.Load(); {
	case r == nil:
		return false, "the coordinator has not been reached yet"
	case r.ok && w.Model() == nil:
		return false, "the model's card has not been read yet"
	default:
		return r.ok, r.reason
	}
}

// run asks until ctx ends.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) look(ctx context.Context) {
	askCtx, cancel := context.WithTimeout(ctx, askWithin)
	status, err := generate.Status(askCtx, w.Bus, w.Subjects)
	cancel()
	if err != nil {
		if w.lost++; w.lost >= lostAfter || w.ready.Load() == nil {
			w.ready.Store(&readiness{reason: "the coordinator does not answer: " + err.Error()})
		}
		return
	}
	w.lost = 0
	reason := status.Reason
	if reason == "" && !status.Ready {
		reason = "the pipeline is " + status.State
	}
	w.ready.Store(&readiness{status.Ready, reason})
	if m := w.Model(); status.ModelID != "" && (m == nil || m.Card.ID != status.ModelID) {
		if err := w.load(ctx, status); err != nil {
			w.Logger.Warn("the model's card cannot be read yet", "error", err)
		}
	}
}

// load reads the card and begins to serve it.
func (w *watch) load(ctx context.Context, status wire.Status) error {
	card, err := w.fetch(ctx)
	if err != nil {
		return err
	}
	m, err := api.NewModel(w.servedName(status, card), card)
	if err != nil {
		return err
	}
	w.model.Store(m)
	w.Logger.Info("serving a model", "name", m.Name, "id", card.ID, "context", card.Config.Context, "vocabulary", card.Config.Vocab)
	return nil
}

func (w *watch) servedName(status wire.Status, card *checkpoint.Card) string {
	for _, name := range []string{w.ServedName, status.Model, card.Config.Name} {
		if name != "" {
			return name
		}
	}
	return "model"
}

// fetch reads the card in pieces: it may be larger than a message.
func (w *watch) fetch(ctx context.Context) (*checkpoint.Card, error) {
	var packed []byte
	var id string
	for {
		chunk, err := w.chunk(ctx, len(packed))
		switch {
		case err != nil:
			return nil, err
		case chunk.Total <= 0 || chunk.Total > maxCard:
			return nil, fmt.Errorf("router: card: %d bytes announced, at most %d", chunk.Total, maxCard)
		case id != "" && chunk.ID != id:
			return nil, errors.New("router: card: the model changed while it was read")
		case len(chunk.Data) == 0 || len(packed)+len(chunk.Data) > chunk.Total:
			return nil, fmt.Errorf("router: card: %d bytes at %d of %d", len(chunk.Data), len(packed), chunk.Total)
		}
		id = chunk.ID
		if packed = append(packed, chunk.Data...); len(packed) == chunk.Total {
			return unpack(packed, id)
		}
	}
}

func (w *watch) chunk(ctx context.Context, offset int) (chunk wire.CardChunk, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*askWithin)
	defer cancel()
	err = generate.Admin(ctx, w.Bus, w.Subjects, wire.VerbCard, wire.CardRequest{Offset: offset}, &chunk)
	return chunk, err
}

func unpack(packed []byte, id string) (*checkpoint.Card, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("router: card: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("router: card: %w", err)
	}
	card := new(checkpoint.Card)
	if err := json.Unmarshal(data, card); err != nil {
		return nil, fmt.Errorf("router: card: %w", err)
	}
	if card.ID != id {
		return nil, fmt.Errorf("router: card: it says model %q, was sent as %q", card.ID, id)
	}
	return card, nil
}
