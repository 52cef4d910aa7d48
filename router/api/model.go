package api

import (
	"fmt"
	"time"

	"github.com/stagecoach-llm/stagecoach/shard/checkpoint"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
)

// Model is what is known of the served model without its weights. It is immutable.
type Model struct {
	Name    string // served name
	Card    *checkpoint.Card
	Tokens  *tokenizer.Tokenizer
	Chat    Template
	Created time.Time
}

// Template turns a conversation into a prompt.
type Template interface {
	// Render ends the prompt where the assistant's answer begins. Tools are the request's own JSON.
	Render(messages []Message, tools []Tool) ([]tokenizer.Segment, error)
}

// NewModel reads a card.
func NewModel(name string, card *checkpoint.Card) (*Model, error) {
	tokens, err := tokenizer.New(&card.Tokenizer)
	if err != nil {
		return nil, fmt.Errorf("api: model %s: %w", name, err)
	}
	template, err := compileTemplate(card)
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
