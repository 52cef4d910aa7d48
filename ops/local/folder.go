package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Folder is a cluster's data folder, held by this process.
type Folder struct {
	Dir string
	// supervisor is locked as long as this process lives, however it ends. roles is shared by the children, so that
	// it is free when the last of them has gone, too.
	supervisor, roles *os.File
}

// leftovers is how long the roles of a supervisor that was killed may take to end.
const leftovers = 15 * time.Second

// Hold makes the data folder and takes it. It is refused at once where a supervisor runs from it, and waits for the
// roles of one that was killed.
func Hold(ctx context.Context, dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("local: make data folder: %w; give another --data", err)
	}
	f := &Folder{Dir: dir}
	var err error
	if f.supervisor, err = lock(filepath.Join(dir, "lock")); err != nil {
		return nil, held(err, "a cluster already runs from "+dir+": stop it first, or give another --data")
	}
	ctx, cancel := context.WithTimeout(ctx, leftovers)
	defer cancel()
	for {
		if f.roles, err = lock(filepath.Join(dir, "roles")); err == nil {
			return f, nil
		}
		select {
		case <-ctx.Done():
			f.Release()
			return nil, held(err, "processes of an earlier cluster still run from "+dir+": end them ("+leftBehind(dir)+"), or give another --data")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Release gives the folder back.
func (f *Folder) Release() {
	f.supervisor.Close()
	if f.roles != nil {
		f.roles.Close()
	}
}

var errHeld = errors.New("local: another process holds the lock")

// lock takes a lock that goes with the last process that has the file open.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("local: lock data folder: %w; give another --data", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, errHeld
		}
		return nil, fmt.Errorf("local: lock %s: %w; give another --data", path, err)
	}
	return f, nil
}

func held(err error, text string) error {
	if errors.Is(err, errHeld) {
		return errors.New("local: " + text)
	}
	return err
}

// leftBehind names the processes that the cluster file of a killed supervisor knows.
func leftBehind(dir string) string {
	c, err := ReadCluster(dir)
	if err != nil {
		return "`ps` shows them"
	}
	text := ""
	for name, pid := range c.PIDs {
		if unix.Kill(pid, 0) == nil {
			text += fmt.Sprintf(" %s %d", name, pid)
		}
	}
	return "processes" + text
}
