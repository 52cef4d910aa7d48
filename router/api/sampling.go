package api

import (
	"cmp"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// Limits of the contract.
const (
	maxTokens     = 1_000_000
	maxChoices    = 128
	maxStops      = 4
	maxTopLP      = 20
	maxTopK       = 999
	maxUser       = 512
	maxPriority   = 1000
	maxStopTokens = 256
)

// coldest is the lowest temperature that the sampler tells from 0: the limit of going to 0 is the likeliest token.
const coldest = 1e-30

// sampling are the fields that all endpoints have.
type sampling struct {
	params      wire.Params
	seed        uint64
	n           int
	maxTokens   int // -1: the rest of the context
	stops       []string
	includeStop bool
	showSpecial bool
	stream      bool
	usageChunk  bool
	user        string
	salt        string
	priority    int
	scored      bool // prompts are echoed with their log-probabilities
}

// readSampling reads and checks them. defaults are the neutral ones or the model's.
func readSampling(o *object, m *Model, defaults wire.Params) sampling {
	s := sampling{params: defaults}
	p := &s.params
	p.Temperature = o.number("temperature", 0, 2, p.Temperature)
	if p.Temperature < coldest {
		p.Temperature = 0
	}
	p.TopP = o.number("top_p", 0, 1, p.TopP)
	if p.TopP == 0 {
		o.fail("top_p", "it must be above 0")
	}
	p.TopK = max(0, int(o.integer("top_k", -1, maxTopK, int64(p.TopK))))
	p.MinP = o.number("min_p", 0, 1, p.MinP)
	p.Repetition = o.number("repetition_penalty", 0.01, 5, p.Repetition)
	p.Presence = o.number("presence_penalty", -2, 2, p.Presence)
	p.Frequency = o.number("frequency_penalty", -2, 2, p.Frequency)
	p.LogitBias = readBias(o, m.vocabulary())
	s.seed = uint64(o.integer("seed", 0, math.MaxInt64, rand.Int64()))
	s.n = int(o.integer("n", 1, maxChoices, 1))
	s.readLength(o)
	s.readStops(o, m)
	s.readStream(o)
	s.user = o.str("user", "")
	if len(s.user) > maxUser {
		o.fail("user", "it has %d bytes, at most %d", len(s.user), maxUser)
	}
	s.salt = o.str("cache_salt", "")
	s.priority = int(o.integer("priority", -maxPriority, maxPriority, 0))
	return s
}

func (s *sampling) readLength(o *object) {
	s.maxTokens = int(o.integer("max_tokens", 0, maxTokens, -1))
	if o.has("max_completion_tokens") {
		s.maxTokens = int(o.integer("max_completion_tokens", 0, maxTokens, -1))
	}
	s.params.MinTokens = int(o.integer("min_tokens", 0, maxTokens, 0))
	if s.maxTokens >= 0 && s.params.MinTokens > s.maxTokens {
		o.fail("min_tokens", "%d is more than max_tokens %d", s.params.MinTokens, s.maxTokens)
	}
}

func (s *sampling) readStops(o *object, m *Model) {
	s.stops = readStopStrings(o)
	s.includeStop = o.boolean("include_stop_str_in_output", false)
	s.showSpecial = !o.boolean("skip_special_tokens", true)
	if !o.boolean("ignore_eos", false) {
		s.params.StopIDs = slices.Clone(m.Tokens.EOS())
	}
	ids, _ := o.array("stop_token_ids")
	if len(ids) > maxStopTokens {
		o.fail("stop_token_ids", "%d ids, at most %d", len(ids), maxStopTokens)
		return
	}
	for _, raw := range ids {
		s.params.StopIDs = append(s.params.StopIDs, tokenID(o, "stop_token_ids", raw, m.vocabulary()))
	}
	slices.Sort(s.params.StopIDs)
	s.params.StopIDs = slices.Compact(s.params.StopIDs)
}

// readStopStrings takes a string or an array.
func readStopStrings(o *object) []string {
	raw, ok := o.raw("stop")
	if !ok {
		return nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return checkStops(o, []string{one})
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		o.fail("stop", "expected a string or an array of strings, got %s", kindOf(raw))
		return nil
	}
	return checkStops(o, many)
}

func checkStops(o *object, stops []string) []string {
	if len(stops) > maxStops {
		o.fail("stop", "%d strings, at most %d", len(stops), maxStops)
	}
	if slices.Contains(stops, "") {
		o.fail("stop", "an empty string cannot be looked for")
	}
	return stops
}

func (s *sampling) readStream(o *object) {
	s.stream = o.boolean("stream", false)
	raw, ok := o.raw("stream_options")
	if !ok {
		return
	}
	if !s.stream {
		o.fail("stream_options", "it is only allowed with stream: true")
		return
	}
	opts := o.at("stream_options", raw)
	s.usageChunk = opts.boolean("include_usage", false)
	o.take(opts.err)
}

// readBias reads {"token id": bias} in the order of the ids, so that the same request is the same message.
func readBias(o *object, vocabulary int) []wire.Bias {
	raw, ok := o.raw("logit_bias")
	if !ok {
		return nil
	}
	table := o.at("logit_bias", raw)
	if n := len(table.fields); n > wire.MaxBias {
		o.fail("logit_bias", "it names %d tokens, at most %d are allowed", n, wire.MaxBias)
		return nil
	}
	var out []wire.Bias
	for text := range table.fields {
		id, err := strconv.Atoi(text)
		if err != nil || text != strconv.Itoa(id) {
			table.fail("", "%.40q is not a token id", text)
			continue
		}
		if id < 0 || id >= vocabulary {
			table.fail("", "token id %d is outside the vocabulary of %d", id, vocabulary)
			continue
		}
		out = append(out, wire.Bias{ID: int32(id), Value: float32(table.number(text, -100, 100, 0))})
	}
	o.take(table.err)
	slices.SortFunc(out, func(x, y wire.Bias) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

func tokenID(o *object, field string, raw json.RawMessage, vocabulary int) int32 {
	n, ok := parseInt(raw)
	if !ok {
		o.fail(field, "expected token ids, got %s", kindOf(raw))
		return 0
	}
	if n < 0 || n >= int64(vocabulary) {
		o.fail(field, "token id %d is outside the vocabulary of %d", n, vocabulary)
		return 0
	}
	return int32(n)
}

// Neutral are the sampling defaults of the contract.
func Neutral() wire.Params { return wire.Params{Temperature: 1, TopP: 1, Repetition: 1, Logprobs: -1} }

// modelDefaults are the neutral ones with what the model's generation_config says.
func modelDefaults(m *Model) wire.Params {
	p, d := Neutral(), m.Card.Defaults
	setIf(&p.Temperature, d.Temperature)
	setIf(&p.TopP, d.TopP)
	setIf(&p.TopK, d.TopK)
	setIf(&p.Repetition, d.RepetitionPenalty)
	return p
}

func setIf[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}
