package router

import (
	"bufio"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/api"
	"github.com/stagecoach-llm/stagecoach/router/generate"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// nobody's books keep nothing: what an endpoint costs without accounting.
type nobodys struct{ *account.Book }

func (nobodys) Admit(_ context.Context, a account.Admission) (*account.Grant, error) {
	return &account.Grant{ID: a.ID, Prices: a.Prices}, nil
}
func (nobodys) Lease(_ context.Context, _ account.ID, n int) (int, error) { return n, nil }
func (nobodys) Deliver(uint64, ...account.Mark) error                     { return nil }
func (nobodys) Settle(context.Context, account.ID, account.Outcome) (account.Usage, error) {
	return account.Usage{}, nil
}

// BenchmarkFirstToken is the time to the first token of a stream with accounting and without, in turns, behind a coordinator
// whose prefill takes so long. What counts is how much the median grows.
func BenchmarkFirstToken(b *testing.B) {
	for _, prefill := range []time.Duration{5 * time.Millisecond, 30 * time.Millisecond} {
		b.Run("prefill="+prefill.String(), func(b *testing.B) { benchFirstToken(b, prefill) })
	}
}

func benchFirstToken(b *testing.B, prefill time.Duration) {
	mem := bus.NewNet(1)
	subjects := wire.Subjects{Cluster: "bench"}
	coord, err := fake.Start(mem.Connect("coord", bus.Events{}), subjects, fake.Card(), 200*time.Microsecond, func([]int32, uint32, uint64) []int32 { return fake.Tokens("ok") })
	if err != nil {
		b.Fatal(err)
	}
	defer coord.Stop()
	coord.SetPrefill(prefill)
	client := generate.New(generate.Options{Bus: mem.Connect("router", bus.Events{}), Subjects: subjects, Router: "router", Boot: "b"})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = client.Run(ctx) })
	defer running.Wait()
	defer cancel()
	book, err := account.Open(b.TempDir(), account.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer book.Close()
	model, err := api.NewModel("demo/model", fake.Card())
	if err != nil {
		b.Fatal(err)
	}
	var urls [2]string
	for i, l := range []books{nobodys{book}, book} {
		s := httptest.NewServer(api.New(api.Options{
			Ledger: l, Journal: l, Keys: l, Account: l, Generator: client, Model: func() *api.Model { return model },
			Ready: func() (bool, string) { return true, "" }, Router: "router", Open: true, Logger: slog.New(slog.DiscardHandler),
		}))
		defer s.Close()
		urls[i] = s.URL
	}
	var took [2][]time.Duration
	b.ResetTimer()
	for i := range 2 * b.N {
		took[i%2] = append(took[i%2], firstToken(b, urls[i%2]))
	}
	slices.Sort(took[0])
	slices.Sort(took[1])
	without, with := took[0][b.N/2], took[1][b.N/2]
	b.ReportMetric(float64(without.Microseconds()), "us-without")
	b.ReportMetric(float64(with.Microseconds()), "us-with")
	b.ReportMetric(float64((with - without).Microseconds()), "us-more")
}

// firstToken is the time until a stream has content.
func firstToken(b *testing.B, url string) time.Duration {
	const body = `{"model":"demo/model","messages":[{"role":"user","content":"Hi"}],"stream":true}`
	began := time.Now()
	resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	var first time.Duration
	for lines.Scan() {
		if first == 0 && strings.Contains(lines.Text(), `"content":"o`) {
			first = time.Since(began)
		}
	}
	if first == 0 {
		b.Fatal("no token came")
	}
	return first
}
