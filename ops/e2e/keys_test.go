package e2e

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// TestKeysAsAnOperator makes, limits, rotates, disables and enables a key on the command line, and exports what it used.
func TestKeysAsAnOperator(t *testing.T) {
	c := up(t, "--shards", "1", "--price-completion", "2")
	secret := func(out string) (made struct{ Key, ID string }) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &made); err != nil {
			t.Fatal(err, out)
		}
		return made
	}
	first := secret(c.mustOps("keys", "create", "--name", "ann", "--budget-day", "2", "--user-rpm", "5", "--json")).Key
	ask := func(key, user string) error {
		_, err := c.client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
			Model: "stagecoach-demo", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hi")}, MaxTokens: openai.Int(4), User: openai.String(user),
		}, option.WithAPIKey(key), option.WithMaxRetries(0))
		return err
	}
	must := func(err error, code string) {
		t.Helper()
		var e *openai.Error
		if errors.As(err, &e); (err == nil) != (code == "") || (e != nil && e.Code != code) {
			t.Fatalf("%v (%+v), want %q", err, e, code)
		}
	}
	must(ask(first, "eve"), "")
	c.mustOps("keys", "limits", "ann", "--user", "eve", "--budget", "0.000000001")
	must(ask(first, "eve"), "insufficient_quota")
	c.mustOps("keys", "limits", "ann", "--user", "eve", "--clear")
	must(ask(first, "eve"), "")
	second := secret(c.mustOps("keys", "rotate", "ann", "--keep", "1h", "--json")).Key
	must(ask(first, "bob"), "")
	must(ask(second, "bob"), "")
	c.mustOps("keys", "disable", "ann")
	must(ask(second, "bob"), "invalid_api_key")
	c.mustOps("keys", "enable", "ann")
	must(ask(second, "bob"), "")
	list := c.mustOps("keys", "list")
	for _, want := range []string{"$2 a day", "each user", "active"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list does not show %q:\n%s", want, list)
		}
	}
	csv := strings.Split(strings.TrimSpace(c.mustOps("usage", "export", "--by", "key,user")), "\n")
	if len(csv) != 3 || !strings.HasPrefix(csv[0], "key,name,user,requests,") || !strings.Contains(csv[1], ",ann,bob,3,") || !strings.Contains(csv[2], ",ann,eve,2,") {
		t.Errorf("%q", csv)
	}
	lines := strings.Split(strings.TrimSpace(c.mustOps("usage", "export", "--format", "jsonl", "--from", "2000-01-01")), "\n")
	if len(lines) != 2 || !json.Valid([]byte(lines[0])) || !strings.Contains(lines[0], `"user":"bob"`) {
		t.Errorf("%q", lines)
	}
	if out := c.mustOps("usage", "export", "--to", "2000-01-01"); strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
	c.mustOps("usage", "verify")
}
