package lead

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/stagecoach-llm/stagecoach/coordinator/plan"
)

// state is the coordinator's file. One process holds it at a time.
type state struct{ db *bolt.DB }

var (
	stateBucket = []byte("plan")
	stateKey    = []byte("state")
)

// openState opens dir/coordinator.db, making it where there is none. A file that another process holds is refused
// after a second.
func openState(dir string) (*state, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("lead: make state folder: %w", err)
	}
	path := filepath.Join(dir, "coordinator.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: time.Second})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("lead: %s is held by another coordinator: stop it first", path)
	}
	if err != nil {
		return nil, fmt.Errorf("lead: open %s: %w", path, err)
	}
	return &state{db}, nil
}

// load gives what was saved last, the zero value on a new disk.
func (s *state) load() (st plan.State, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket(stateBucket)
		if b == nil || b.Get(stateKey) == nil {
			return nil
		}
		return json.Unmarshal(b.Get(stateKey), &st)
	})
	if err != nil {
		return st, fmt.Errorf("lead: read %s: %w", s.db.Path(), err)
	}
	return st, nil
}

// save returns when the state is on disk.
func (s *state) save(st plan.State) error {
	v, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("lead: save state: %w", err)
	}
	err = s.db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(stateBucket)
		if err != nil {
			return err
		}
		return b.Put(stateKey, v)
	})
	if err != nil {
		return fmt.Errorf("lead: save state in %s: %w", s.db.Path(), err)
	}
	return nil
}

func (s *state) close() error { return s.db.Close() }
