package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Options of a Book.
type Options struct {
	Defaults Limits       // for keys that leave a limit open, and for requests without a key
	Logger   *slog.Logger // nil: slog.Default
	// Clock is for tests and simulations; nil is time.Now. One that goes back is taken to stand still.
	Clock func() time.Time
}

// Book is the ledger of one data folder. Its methods are safe for concurrent use.
type Book struct {
	defaults Limits
	log      *slog.Logger
	clock    func() time.Time
	db       *bolt.DB
	journal  *journal
	ops      chan *op
	done     chan struct{} // closed when the writer has ended
	stop     chan struct{}
	stopOnce sync.Once
	index    atomic.Pointer[index]

	unsettled chan unsettled // to retry
	retried   chan struct{}  // closed when retry has ended

	// Everything below belongs to the writer.
	keys    map[string]*keyState
	users   map[totalKey]*scope
	holds   map[ID]*hold
	ended   map[ID]bool // settled since the last batch was sent
	ending  map[ID]bool // settled in the batch that is being committed
	id      string      // of the ledger, random, for ever
	totals  map[totalKey]*Total
	next    uint64 // hold number
	last    int64  // the clock's latest reading in ns, clamped to go forward only
	pending []put  // decided and not sent to be committed
	waiting []*op  // decided by what is pending
	broken  error  // why the last commit failed
}

// keyState is a key with what changes at every request.
type keyState struct {
	Key
	scope
	unsaved map[*hold]bool // have leased tokens that scopes were debited and the database does not know
}

func newKeyState(k Key) *keyState {
	return &keyState{Key: k, scope: scope{name: []byte(k.ID)}, unsaved: map[*hold]bool{}}
}

// hold is a request between Admit and Settle, as the database keeps it.
type hold struct {
	Number   uint64    `json:"number"`
	ID       ID        `json:"id"`
	Boot     string    `json:"boot,omitempty"` // of a router that uses this ledger from afar
	Key      string    `json:"key"`
	User     string    `json:"user,omitempty"`
	Model    string    `json:"model"`
	Admitted time.Time `json:"admitted"`
	Prompt   int       `json:"prompt"`
	Prices   Prices    `json:"prices"`
	TPM      [2]int    `json:"tpm"` // limits at which tokens are debited, of key and user: fixed, so that what is given back is what was taken
	Leased   int       `json:"leased,omitempty"`
}

// op is one request to the writer: decide runs on its goroutine and may add to pending.
type op struct {
	decide  func()
	decided chan struct{}
	durable chan struct{}
	err     error // of the commit, set before durable is closed
}

// Open opens the books in folder dir, which it creates if need be, and settles the requests that a dead process left.
// A folder that another process has open is refused after a second.
func Open(dir string, opts Options) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	path := filepath.Join(dir, "ledger.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("account: %s is open in another process: one router owns a ledger", path)
	}
	if err != nil {
		return nil, fmt.Errorf("account: open %s: %w", path, err)
	}
	b := &Book{
		defaults: opts.Defaults, log: opts.Logger, clock: opts.Clock, db: db,
		ops: make(chan *op, 256), done: make(chan struct{}), stop: make(chan struct{}),
		unsettled: make(chan unsettled, maxUnsettled), retried: make(chan struct{}),
		keys: map[string]*keyState{}, users: map[totalKey]*scope{}, holds: map[ID]*hold{}, ended: map[ID]bool{}, ending: map[ID]bool{}, totals: map[totalKey]*Total{},
	}
	if b.clock == nil {
		b.clock = time.Now
	}
	if b.log == nil {
		b.log = slog.Default()
	}
	if err := b.start(filepath.Join(dir, "journal")); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return b, nil
}

// start brings memory up to date and sets the owners going.
func (b *Book) start(journalPath string) error {
	if err := b.load(); err != nil {
		return err
	}
	kept, err := b.recoverHolds(journalPath)
	if err != nil {
		return err
	}
	j, err := newJournalOf(journalPath, kept)
	if err != nil {
		return err
	}
	b.journal = j
	b.publish()
	go b.run()
	go b.retry()
	return nil
}

// Close commits what is decided and closes the files. Requests that are not settled stay as holds.
func (b *Book) Close() error {
	b.stopOnce.Do(func() { close(b.stop) })
	<-b.done
	<-b.retried
	return errors.Join(b.journal.close(), b.db.Close())
}

// do has the writer run decide and returns when it has.
func (b *Book) do(ctx context.Context, decide func()) (*op, error) {
	o := &op{decide: decide, decided: make(chan struct{}), durable: make(chan struct{})}
	select {
	case b.ops <- o:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.stop:
		return nil, ErrClosed
	}
	select {
	case <-o.decided: // soon: the writer does not wait for the disk
		return o, nil
	case <-b.done:
		select {
		case <-o.decided:
			return o, nil
		default:
			return nil, ErrClosed
		}
	}
}

// write is do that waits for the commit.
func (b *Book) write(ctx context.Context, decide func()) error {
	o, err := b.do(ctx, decide)
	if err != nil {
		return err
	}
	select {
	case <-o.durable:
	case <-b.done:
		<-o.durable // closed before done
	}
	return o.failure()
}

// failure is why what was decided is not on disk, once durable is closed.
func (o *op) failure() error {
	if o.err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, o.err)
	}
	return nil
}

// now is the clock, which never goes back.
func (b *Book) now() time.Time {
	b.last = max(b.last, b.clock().UnixNano())
	return time.Unix(0, b.last).UTC()
}
