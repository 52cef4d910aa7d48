package api

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
)

// TestFirstToken: a model that begins every text with a token gets it before text, never before ids or a conversation.
func TestFirstToken(t *testing.T) {
	card := fake.Card()
	card.Tokenizer.BOS, card.Tokenizer.AddBOS = fake.EndOfText, true
	m, err := NewModel("m", card)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fields string
		first  bool
	}{
		{`{"prompt":"ab"}`, true}, {`{"prompt":["ab"]}`, true}, {`{"prompt":[97]}`, false}, {`{"prompt":[[97]]}`, false},
	} {
		o, refused := parseObject([]byte(c.fields))
		if refused != nil {
			t.Fatal(refused)
		}
		j, refused := readCompletion(o, m, Neutral())
		if refused != nil || (j.prompts[0][0] == fake.EndOfText) != c.first {
			t.Errorf("%s: %v, %+v", c.fields, refused, j.prompts)
		}
	}
	for fields, first := range map[string]bool{
		`{"prompt":"ab"}`: true, `{"prompt":"ab","add_special_tokens":false}`: false, `{"content":"ab"}`: false, `{"content":"ab","add_special":true}`: true,
		`{"messages":[{"role":"user","content":"x"}]}`: false,
	} {
		o, refused := parseObject([]byte(fields))
		if refused != nil {
			t.Fatal(refused)
		}
		list, refused := readTokens(o, m)
		if ids, ok := list.Tokens.([]int32); refused != nil || !ok || (ids[0] == fake.EndOfText) != first {
			t.Errorf("%s: %v, %+v", fields, refused, list)
		}
	}
}

// TestKeyListsDearestUsers: an answer is bounded, whatever the number of users.
func TestKeyListsDearestUsers(t *testing.T) {
	var totals []account.Total
	for i := range maxUsers + 5 {
		totals = append(totals, account.Total{User: fmt.Sprint(i), Cost: account.Pico(i)})
	}
	rows, more := byCost(totals)
	if len(rows) != maxUsers || !more || rows[0].User != fmt.Sprint(maxUsers+4) || !slices.IsSortedFunc(rows, func(x, y usageByKey) int { return int(y.Cost - x.Cost) }) {
		t.Errorf("%d rows, more %v, first %+v", len(rows), more, rows[0])
	}
	if rows, more := byCost(totals[:3]); len(rows) != 3 || more {
		t.Errorf("%d rows, more %v", len(rows), more)
	}
}
