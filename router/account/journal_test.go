package account

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"
	"testing"
)

func TestTornJournal(t *testing.T) {
	var whole []byte
	for i := range uint32(3) {
		whole = appendRecord(whole, 7, Mark{Choice: 1, Position: i + 1})
	}
	for n := range len(whole) + 1 {
		ms := marks{}
		if err := ms.read(bytes.NewReader(whole[:n])); err != nil {
			t.Fatal(err)
		}
		if got := int(ms[7][1]); got != n/recordSize {
			t.Errorf("%d bytes: position %d, want %d", n, got, n/recordSize)
		}
	}
	whole[recordSize+3] ^= 1
	ms := marks{}
	if err := ms.read(bytes.NewReader(whole)); err != nil || ms[7][1] != 1 {
		t.Errorf("damaged second record: position %d, %v", ms[7][1], err)
	}
}

func TestCompaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := newJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	j.limit = 20 * recordSize // before anything is queued: run has not looked at it
	b := &Book{journal: j}
	for i := range uint32(100) {
		for hold := range uint64(3) {
			if err := b.Deliver(hold, Mark{Choice: 0, Position: i + 1}, Mark{Choice: 2, Position: 2 * i}); err != nil {
				t.Fatal(err)
			}
		}
		if i == 50 {
			j.forget(1)
		}
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	got, err := readJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for hold := range uint64(3) {
		if want := (map[uint32]uint32{0: 100, 2: 198}); !reflect.DeepEqual(got[hold], want) {
			t.Errorf("hold %d: %v, want %v", hold, got[hold], want)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() >= 600*recordSize {
		t.Errorf("never compacted: %v, %v", info.Size(), err)
	}
	if err := b.Deliver(1, PromptDone); err == nil {
		t.Error("a closed journal takes marks")
	}
}

// TestAFullDisk: what cannot be journalled must not be delivered, and is told as what may be tried again.
func TestAFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if runtime.GOOS != "linux" {
		t.Skip("/dev/full is Linux's")
	}
	if err != nil {
		t.Fatal(err)
	}
	j := &journal{file: full, limit: compactAt, live: marks{}, queue: make(chan entry, 1), stop: make(chan struct{}), done: make(chan struct{})}
	go j.run()
	if err := (&Book{journal: j}).Deliver(1, PromptDone); !errors.Is(err, ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add(appendRecord(appendRecord(nil, 1, Mark{2, 3}), 4, PromptDone))
	f.Fuzz(func(t *testing.T, data []byte) {
		ms := marks{}
		if err := ms.read(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, at := range ms {
			n += len(at)
		}
		if n > len(data)/recordSize {
			t.Errorf("%d marks from %d bytes", n, len(data))
		}
	})
}
