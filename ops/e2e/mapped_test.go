package e2e

import "testing"

// TestWeightsStayInTheFile: shards that repack nothing give the pinned answers all the same.
func TestWeightsStayInTheFile(t *testing.T) {
	c := up(t, "--shards", "2", "--threads", "1", "--repack", "never")
	for _, p := range pins(t)[:3] {
		r, err := c.client.Chat.Completions.New(t.Context(), p.params())
		if err != nil || r.Choices[0].Message.Content != p.Text {
			t.Errorf("%v: %+v, %v, want %q", p.Messages, r, err, p.Text)
		}
	}
}
