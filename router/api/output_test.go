package api

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/sse"
)

func TestStreamThatFails(t *testing.T) {
	f := &chatFormat{job: &job{model: testModel(t), sampling: sampling{n: 1}, id: "chatcmpl-1"}}
	for name, c := range map[string]struct {
		before func(s *stream) error
		status int
		want   string
	}{
		"at once": {func(*stream) error { return nil }, 503, `{"error":{"message":"m","type":"server_error","param":null,"code":"stage_lost"}}`},
		"after a comment": {func(s *stream) error { return s.keepAlive() }, 200,
			": keep-alive\n\ndata: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"param\":null,\"code\":\"stage_lost\"}}\n\ndata: [DONE]"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := httptest.NewRecorder()
			s := &stream{format: f, sse: sse.NewWriter(rec, httptest.NewRequest("POST", "/", nil), time.Second), w: rec}
			if err := c.before(s); err != nil {
				t.Fatal(err)
			}
			s.fail(&Error{Status: 503, Type: typeServer, Code: "stage_lost", Message: "m"})
			if got := strings.TrimSpace(rec.Body.String()); rec.Code != c.status || got != c.want {
				t.Errorf("%d %q, want %d %q", rec.Code, got, c.status, c.want)
			}
		})
	}
}
