package stage

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stagecoach-llm/stagecoach/shard/grammar"
	"github.com/stagecoach-llm/stagecoach/shard/tokenizer"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

const answerSchema = `{"type":"object","properties":{"name":{"type":"string","maxLength":12},"n":{"type":"integer","minimum":3,"maximum":60},
	"more":{"type":"array","items":{"enum":["yes","no"]},"maxItems":4}},"required":["name","n","more"],"additionalProperties":false}`

// demanding are the operations of a sequence that must say what a schema says.
func demanding(t *testing.T, tok *tokenizer.Tokenizer, schema string, first int32, prompt int) []wire.Op {
	t.Helper()
	spec := grammar.Spec{Schema: json.RawMessage(schema)}
	text, err := spec.Text()
	if err != nil {
		t.Fatal(err)
	}
	ops := open(first, -1)
	p := ops[0].Params
	p.Temperature, p.Seed, p.PromptLen, p.StopIDs, p.Grammar = 2, 4, prompt, tok.EOS(), text
	return ops
}

// say runs a sequence to its end.
func (c *chain) say(seq uint64, tokens []int32, ops []wire.Op, stop []int32) []int32 {
	c.t.Helper()
	e := wire.Entry{Seq: seq, Tokens: tokens, Want: wire.WantSample, Ops: ops}
	var said []int32
	for len(said) < 300 {
		items := c.run(e)
		if len(items) != 1 || items[0].Error != "" {
			c.t.Fatalf("%+v", items)
		}
		said = append(said, items[0].Tokens...)
		if slices.Contains(stop, items[0].Tokens[0]) {
			break
		}
		e = wire.Entry{Seq: seq, Pos: items[0].Pos, Tokens: items[0].Tokens, Want: wire.WantSample}
	}
	return said
}

// An answer obeys its grammar at the last stage, whatever the split, and goes on with the same tokens where a new sequence has prompt and
// output as its prompt, as after a recovery.
func TestAnswersObeyTheirGrammar(t *testing.T) {
	one, three := newChain(t, 1), newChain(t, 3)
	tok, err := tokenizer.New(&one.card.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	prompt := tok.Encode("Who are you? Tell me everything.")
	ops := func(first int32) []wire.Op { return demanding(t, tok, answerSchema, first, len(prompt)) }
	want := one.say(1, prompt, ops(0), tok.EOS())
	var doc struct {
		Name string   `json:"name"`
		N    int      `json:"n"`
		More []string `json:"more"`
	}
	d := json.NewDecoder(strings.NewReader(tok.Decode(want[:len(want)-1])))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil || d.More() || doc.N < 3 || doc.N > 60 || len(doc.More) > 4 {
		t.Fatalf("%q: %v", tok.Decode(want), err)
	}
	if got := three.say(1, prompt, ops(0), tok.EOS()); !slices.Equal(got, want) {
		t.Errorf("three stages say %q, one %q", tok.Decode(got), tok.Decode(want))
	}
	for seq, at := range []int{1, len(want) / 2, len(want) - 1} {
		got := one.say(uint64(2+seq), slices.Concat(prompt, want[:at]), ops(32), tok.EOS())
		if !slices.Equal(got, want[at:]) {
			t.Errorf("from %d on: %q, want %q", at, tok.Decode(got), tok.Decode(want[at:]))
		}
	}
}

// dearSchema is a string that has one of two letters an even number of times, of any two: a state has hundreds of threads, and each text one of
// its own.
func dearSchema() string {
	var branches []string
	for c := 'a'; c <= 'z'; c++ {
		for d := 'a'; d < c; d++ {
			branches = append(branches, strings.ReplaceAll(`{"type":"string","pattern":"^([^?]*[?][^?]*[?])*[^?]*$"}`, "?", string(c)+string(d)))
		}
	}
	return `{"anyOf":[` + strings.Join(branches, ",") + `]}`
}

// A grammar that cannot be read, one that takes too long, or an output that is not its own, fails one sequence and not its neighbour.
func TestBadGrammarFailsAlone(t *testing.T) {
	c := newChain(t, 2)
	tok, err := tokenizer.New(&c.card.Tokenizer)
	if err != nil {
		t.Fatal(err)
	}
	prompt := tok.Encode("Hello")
	good := wire.Entry{Seq: 1, Tokens: prompt, Want: wire.WantSample, Ops: demanding(t, tok, answerSchema, 0, len(prompt))}
	bad := wire.Entry{Seq: 2, Tokens: prompt, Want: wire.WantSample, Ops: demanding(t, tok, `{"not":{}}`, 16, len(prompt))}
	foreign := wire.Entry{Seq: 3, Tokens: prompt, Want: wire.WantSample, Ops: demanding(t, tok, answerSchema, 32, len(prompt)-1)}
	begun := append(tok.Encode("Hello"), tok.Encode(`"ab`)...)
	dear := wire.Entry{Seq: 4, Tokens: begun, Want: wire.WantSample, Ops: demanding(t, tok, dearSchema(), 48, len(prompt))}
	dear.Ops[0].Params.LogitBias = []wire.Bias{{ID: tok.Encode("\n")[0], Value: 100}} // what it does not allow
	failed := map[uint64]string{}
	for _, it := range c.run(bad, good, foreign, dear) {
		failed[it.Seq] = it.Error
		if it.Seq == 1 && len(it.Tokens) != 1 {
			t.Errorf("%+v", it)
		}
	}
	if len(failed) != 4 || failed[1] != "" || !strings.Contains(failed[2], "#/not") || !strings.Contains(failed[3], "does not allow") ||
		!strings.HasPrefix(failed[4], wire.FaultOfRequest+"grammar: the schema is too complex") {
		t.Errorf("%v", failed)
	}
}
