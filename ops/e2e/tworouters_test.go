package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/stagecoach-llm/stagecoach/ops/local"
)

// TestTwoRoutersOneLedger: a second router uses the keys and the budget of the first one, and a third that would own another ledger
// in the same cluster is refused.
func TestTwoRoutersOneLedger(t *testing.T) {
	c := up(t, "--shards", "1", "--price-completion", "1")
	cl, err := local.ReadCluster(c.data)
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Key string }
	// Six tokens; the price of the second router is its own.
	if err := json.Unmarshal([]byte(c.mustOps("keys", "create", "--name", "ann", "--budget", "0.000006", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	router := func(more ...string) *exec.Cmd {
		args := append([]string{"router", "--nats", cl.NATS, "--seeds", strings.Join(cl.Seeds, ","), "--secret-file", cl.Secret, "--price-completion", "1"}, more...)
		return exec.Command(binary, args...)
	}
	address := freeAddress(t)
	second := router("--ledger", "remote", "--node", "second", "--http", address)
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	defer second.Wait()
	defer second.Process.Signal(syscall.SIGTERM)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + address + "/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("the second router is not ready after a minute")
		}
	}
	var tokens []int64
	for _, base := range []string{c.base, "http://" + address} {
		r, err := c.client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
			Model: "stagecoach-demo", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Tell me a story.")}, MaxTokens: openai.Int(4),
		}, option.WithBaseURL(base+"/v1/"), option.WithAPIKey(made.Key), option.WithMaxRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, r.Usage.CompletionTokens)
	}
	if tokens[0] != 4 || tokens[1] != 2 {
		t.Errorf("%d tokens of the budget of 6", tokens)
	}
	c.mustOps("usage", "verify")
	var out bytes.Buffer
	third := router("--node", "third", "--http", freeAddress(t), "--data", t.TempDir())
	third.Stderr = &out
	if err := third.Run(); err == nil || !strings.Contains(out.String(), "--ledger remote") {
		t.Errorf("a second owner: %v\n%s", err, out.String())
	}
}
