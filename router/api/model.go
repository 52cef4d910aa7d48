package api

import (
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/chat"
	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// Model is what is known of the served model without its weights. It is immutable.
type Model struct {
	Name    string // served name
	Card    *checkpoint.Card
	Tokens  *tokenizer.Tokenizer
	Chat    *chat.Template
	Created time.Time
}

// NewModel reads a card.
func NewModel(name string, card *checkpoint.Card) (*Model, error) {
	tokens, err := tokenizer.New(&card.Tokenizer)
	if err != nil {
		return nil, fmt.Errorf("api: model %s: %w", name, err)
	}
	template, err := chat.Compile(card.Template, card.Templates, specials(&card.Tokenizer))
	if err != nil {
		return nil, fmt.Errorf("api: model %s: %w", name, err)
	}
	return &Model{Name: name, Card: card, Tokens: tokens, Chat: template, Created: time.Now()}, nil
}

// vocabulary is the number of ids that a client may name: padding is not among them.
func (m *Model) vocabulary() int {
	if n := m.Card.Config.RealVocab; n > 0 {
		return n
	}
	return m.Tokens.VocabSize()
}

func (m *Model) context() int { return m.Card.Config.Context }

// fingerprint names what computes the answers: the same model file gives the same bits.
func (m *Model) fingerprint() string { return "sc-" + m.Card.ID[:min(10, len(m.Card.ID))] }

// specials are the names by which chat templates know special tokens.
func specials(t *tokenizer.Spec) map[string]string {
	out := map[string]string{}
	name := func(name string, id int32) {
		if id >= 0 && int(id) < len(t.Tokens) {
			out[name] = t.Tokens[id]
		}
	}
	name("bos_token", t.BOS)
	name("pad_token", t.Pad)
	if len(t.EOS) > 0 {
		name("eos_token", t.EOS[0])
	}
	return out
}
