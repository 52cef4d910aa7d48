package router_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/stagecoach-llm/stagecoach/router/account"
)

// kills is how often a test kills: STAGECOACH_KILLS, or as often as takes a few seconds.
func kills(usual int) int {
	if n, err := strconv.Atoi(os.Getenv("STAGECOACH_KILLS")); err == nil && n > 0 {
		return n
	}
	return usual
}

// TestKill kills a router with kill -9 at random moments, again and again on the same ledger, under streams of which some go
// away, have several choices, or fight for a budget. After each it compares what was read from the sockets with the ledger.
func TestKill(t *testing.T) {
	w := newKillWorld(t)
	w.setUp()
	var sums killSums
	for round := range kills(40) {
		w.history = history{}
		p := w.start(childOptions{Dir: w.dir, Name: "router"})
		if rand.IntN(8) > 0 { // else at any moment of its start
			p.waitReady()
		}
		all, wait := w.streams(round, p)
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		p.kill()
		wait()
		w.history.keep(t, w.dir)
		w.check(round, all, &sums)
		if t.Failed() {
			return
		}
	}
	sums.tell(t)
}

// TestKillTwoRouters has two routers on one ledger, of which either is killed, and the owner is started again or not. A stream
// of the other router goes on if the owner comes back.
func TestKillTwoRouters(t *testing.T) {
	w := newKillWorld(t)
	w.setUp()
	var sums killSums
	for round := range kills(12) {
		w.history = history{}
		owner, other := childOptions{Dir: w.dir, Name: "owner"}, childOptions{Name: "other", Remote: true}
		a := w.start(owner)
		a.waitReady()
		b := w.start(other)
		b.waitReady()
		all, wait := w.streams(round, a, b)
		time.Sleep(time.Duration(rand.IntN(300)) * time.Millisecond)
		switch rand.IntN(3) {
		case 0:
			b.kill()
			wait()
			a.kill()
		case 1: // the owner comes back
			a.kill()
			w.history.keep(t, w.dir)
			a = w.start(owner)
			wait()
			a.kill()
			b.kill()
		case 2: // both at once
			a.kill()
			b.kill()
			wait()
		}
		w.history.keep(t, w.dir)
		w.check(round, all, &sums)
		if t.Failed() {
			return
		}
	}
	sums.tell(t)
}

func (w *killWorld) setUp() {
	book := w.books()
	w.keys(book)
	if err := book.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// streams asks all routers at once. wait returns when every answer has ended.
func (w *killWorld) streams(round int, routers ...*process) (all []*recording, wait func()) {
	var wg sync.WaitGroup
	for i := range 12 {
		key := w.free
		if i%2 == 0 {
			key = w.tight
		}
		r := newRecording(fmt.Sprintf("user-%d-%d", round, i), key)
		all = append(all, r)
		addr := routers[i/2%len(routers)].url
		pause := time.Duration(rand.IntN(40)) * time.Millisecond
		wg.Go(func() {
			time.Sleep(pause)
			r.run(addr)
		})
	}
	return all, wg.Wait
}

// killSums are what a test has seen in all, to show that it saw something.
type killSums struct{ rounds, requests, whole, cut, tokens, pending, tightest int }

func (s *killSums) tell(t *testing.T) {
	t.Helper()
	t.Logf("%d rounds: %d requests accounted, %d answers whole, %d cut off, %d tokens read, %d accounted and not read; the tightest key has %d of %d tokens left",
		s.rounds, s.requests, s.whole, s.cut, s.tokens, s.pending, s.tightest, tightTokens)
	if s.tokens == 0 || s.cut == 0 || s.whole == 0 {
		t.Error("the test saw nothing worth a check")
	}
}

// check recovers the ledger and compares it with what was read.
func (w *killWorld) check(round int, all []*recording, sums *killSums) {
	w.t.Helper()
	book := w.books()
	if _, err := book.Abandon(context.Background(), func(account.Foreign) bool { return true }); err != nil {
		w.t.Error(err)
	}
	report, err := book.Verify()
	if err != nil || len(report.Problems) > 0 || report.Open != 0 {
		w.t.Errorf("round %d: %+v, %v", round, report, err)
	}
	w.checkBudgets(round, book, sums)
	w.keys(book)
	if err := book.Close(); err != nil {
		w.t.Error(err)
	}
	records := w.usage()
	for _, r := range all {
		if err := w.compare(r, records[r.user], sums); err != nil {
			w.t.Errorf("round %d: %s (ending %d, %d choices, status %d) read %v: %v; accounted %+v", round, r.user, r.ending, r.choices, r.status, r.got, err, records[r.user])
		}
	}
	sums.rounds++
}

// checkBudgets wants no budget to be exceeded, not by a pico-dollar.
func (w *killWorld) checkBudgets(round int, book *account.Book, sums *killSums) {
	w.t.Helper()
	keys, err := book.Keys(context.Background())
	if err != nil {
		w.t.Error(err)
	}
	for i, k := range keys {
		left := k.Limits.Budget - k.Spent
		if k.Limits.Budget > 0 && left < 0 {
			w.t.Errorf("round %d: key %s spent $%s of $%s", round, k.ID, k.Spent, k.Limits.Budget)
		}
		if n := int(left / account.Pico(prices.Completion)); k.Limits.Budget > 0 && (i == 1 || n < sums.tightest) {
			sums.tightest = n
		}
	}
}

// usage reads the records of the ledger by user; each user asks once.
func (w *killWorld) usage() map[string][]account.Usage {
	w.t.Helper()
	db, err := bolt.Open(filepath.Join(w.dir, "ledger.db"), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	out := map[string][]account.Usage{}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte("usage")).ForEach(func(_, data []byte) error {
			var u account.Usage
			err := json.Unmarshal(data, &u)
			out[u.User] = append(out[u.User], u)
			return err
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// compare wants, of each choice: written <= accounted <= written + one event. What a journal names last is the event that may not
// have been written; all before it were.
func (w *killWorld) compare(r *recording, us []account.Usage, sums *killSums) error {
	if r.trouble != nil {
		return r.trouble
	}
	if len(us) == 0 {
		if r.total() > 0 {
			return fmt.Errorf("not accounted")
		}
		return nil
	}
	if len(us) > 1 {
		return fmt.Errorf("accounted %d times", len(us))
	}
	u := us[0]
	journalled := 0
	for i, got := range r.got {
		last, before := w.history.lastTwo(u.Hold, i)
		journalled += last
		switch {
		case got > last:
			return fmt.Errorf("choice %d: %d are journalled", i, last)
		case got < before && r.ending != hardCloses:
			return fmt.Errorf("choice %d: %d are accounted before its last event", i, before)
		}
	}
	switch {
	case u.Completion != journalled:
		return fmt.Errorf("%d are journalled", journalled)
	case r.whole && (r.total() != u.Completion || r.usage != u.Completion):
		return fmt.Errorf("the whole answer, which tells %d", r.usage)
	case r.total() > 0 && u.Prompt == 0:
		return fmt.Errorf("the prompt is not accounted")
	}
	sums.requests++
	sums.tokens += r.total()
	sums.pending += u.Completion - r.total()
	if r.whole {
		sums.whole++
	} else {
		sums.cut++
	}
	return nil
}
