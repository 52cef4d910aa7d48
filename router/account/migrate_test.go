package account

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// unpackV1 writes the database that version 1 left: key ann ($1, 10 requests and 5000 tokens a minute, 3 at once) with three settled requests
// of 100 + 10, 20, 30 tokens, the last two by eve, one that is held, a revoked key bob, and a request without a key. ann's secret is
// sk-the-secret-of-ann. It was written by that version's CreateKey, Admit and Settle.
func unpackV1(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Open("testdata/ledger-v1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "ledger.db"), data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestMigration(t *testing.T) {
	dir := t.TempDir()
	unpackV1(t, dir)
	for range 2 { // the second time it is of version 2
		b := open(t, dir, Limits{})
		if r := check(t, b); r.Requests != 5 || r.Open != 0 { // what was held is settled
			t.Errorf("%+v", r)
		}
		id, err := b.Authenticate("sk-the-secret-of-ann", true)
		if err != nil {
			t.Fatal(err)
		}
		ann := b.keys[id]
		if want := testPrices.Cost(300, 60); ann.scope.Spent.Ever != want || b.shown(ann).SpentMonth > want {
			t.Errorf("ann has spent %v, want $%s", &ann.scope.Spent, want)
		}
		if want := testPrices.Cost(200, 50); b.user(id, "eve").Spent.Ever != want {
			t.Errorf("eve has spent %v, want $%s", &b.user(id, "eve").Spent, want)
		}
		if ann.Limits != (Limits{RPM: 10, TPM: 5000, Concurrency: 3, Budget: dollar}) || ann.Requests.TAT == 0 {
			t.Errorf("%+v", ann)
		}
		if _, err := b.Authenticate("sk-the-secret-of-bob", true); !errors.Is(err, ErrRevoked) {
			t.Errorf("bob: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMigrationRefusesWrongBooks(t *testing.T) {
	dir := t.TempDir()
	unpackV1(t, dir)
	harm(t, dir, func(tx *bolt.Tx) error {
		k, _ := tx.Bucket(bucketUsage).Cursor().First()
		return tx.Bucket(bucketUsage).Delete(k)
	})
	if _, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "balance") {
		t.Errorf("%v", err)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir, Limits{}).Close(); err != nil {
		t.Fatal(err)
	}
	harm(t, dir, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put([]byte("state"), []byte(`{"version":3}`))
	})
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "version 3") {
		t.Errorf("%v", err)
	}
}

func harm(t *testing.T, dir string, fn func(*bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, "ledger.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}
