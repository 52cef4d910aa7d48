package account

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestASettlementThatWasNotTaken: while a disk stalls and the queue is full, a settlement is given up by who asks for it and
// done when the disk goes on.
func TestASettlementThatWasNotTaken(t *testing.T) {
	b := open(t, t.TempDir(), Limits{})
	ctx := context.Background()
	g := admit(t, b, admission("1", 1))
	tx, err := b.db.Begin(true) // holds up every commit
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Admit(ctx, admission("2", 1)); err != nil {
		t.Fatal(err)
	}
	for waiting := 0; waiting < maxBatch; {
		if _, err := b.do(ctx, func() { waiting = len(b.waiting) + 1 }); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range cap(b.ops) {
		wg.Go(func() { _, _ = b.Lease(ctx, g.ID, 1) })
	}
	for len(b.ops) < cap(b.ops) {
		time.Sleep(time.Millisecond)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if _, err := b.Settle(short, g.ID, Outcome{Prompt: 1, Completion: 5}); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("settled by a writer that waits: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	u, err := b.settled(g.ID)
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); u, err = b.settled(g.ID) {
		time.Sleep(time.Millisecond)
	}
	if err != nil || u.Completion != 5 {
		t.Errorf("%+v, %v", u, err)
	}
	check(t, b)
}

// TestASettlementThatWasNotWritten: a disk that failed is tried again although nobody asks for anything.
func TestASettlementThatWasNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t, t.TempDir(), Limits{})
		g := admit(t, b, admission("1", 1))
		if err := b.Deliver(g.Hold, PromptDone); err != nil {
			t.Fatal(err)
		}
		inTheWay := []byte("in the way") // a value cannot be put where a bucket is
		if err := b.db.Update(func(tx *bolt.Tx) error { _, err := tx.Bucket(bucketMeta).CreateBucket(inTheWay); return err }); err != nil {
			t.Fatal(err)
		}
		err := b.write(t.Context(), func() { b.put(bucketMeta, inTheWay, 0) })
		if !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		if _, err := b.Settle(t.Context(), g.ID, Outcome{Prompt: 1}); !errors.Is(err, ErrUnavailable) {
			t.Fatal(err)
		}
		time.Sleep(3 * retryEvery)
		if _, err := b.settled(g.ID); !errors.Is(err, ErrUnknownRequest) {
			t.Fatal(err)
		}
		if err := b.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).DeleteBucket(inTheWay) }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * retryEvery)
		if u, err := b.settled(g.ID); err != nil || u.Prompt != 1 {
			t.Errorf("%+v, %v", u, err)
		}
		if at, _ := b.journal.end(g.Hold); at != nil {
			t.Errorf("the journal still has the request: %v", at)
		}
		check(t, b)
	})
}

// TestRetriesEndWithTheBook: what cannot be settled is left to the next start.
func TestRetriesEndWithTheBook(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, Limits{})
	g := admit(t, b, admission("1", 1))
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := b.Settle(t.Context(), g.ID, Outcome{Prompt: 1}); !errors.Is(err, ErrUnavailable) {
			t.Error(err)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir, Limits{})
	if r := check(t, b); r.Open != 0 || r.Requests != 1 {
		t.Errorf("%+v", r)
	}
}
