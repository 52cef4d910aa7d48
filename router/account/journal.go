package account

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"
)

// Mark says that the first Position output tokens of a choice are about to be given to the client.
type Mark struct {
	Choice   uint32
	Position uint32
}

// promptDone is the choice of a mark that says only that the prompt has been computed.
const promptDone = 1<<32 - 1

// PromptDone marks a prompt as computed, so that it is billed whatever happens next.
var PromptDone = Mark{Choice: promptDone}

// A record of the journal, little-endian: hold u64, choice u32, position u32, crc32c u32 of these.
const recordSize = 20

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendRecord(dst []byte, hold uint64, m Mark) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, hold)
	dst = binary.LittleEndian.AppendUint32(dst, m.Choice)
	dst = binary.LittleEndian.AppendUint32(dst, m.Position)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func parseRecord(b []byte) (hold uint64, m Mark, ok bool) {
	ok = len(b) == recordSize && crc32.Checksum(b[:16], castagnoli) == binary.LittleEndian.Uint32(b[16:])
	if !ok {
		return 0, Mark{}, false
	}
	return binary.LittleEndian.Uint64(b), Mark{binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])}, true
}

// marks is the furthest position of each choice of each hold.
type marks map[uint64]map[uint32]uint32

func (ms marks) add(hold uint64, m Mark) {
	at := ms[hold]
	if at == nil {
		at = map[uint32]uint32{}
		ms[hold] = at
	}
	at[m.Choice] = max(at[m.Choice], m.Position)
}

// readJournal reads until the end or the first record that is torn; a missing file has none.
func readJournal(path string) (marks, error) {
	ms := marks{}
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return ms, nil
	}
	if err != nil {
		return nil, fmt.Errorf("account: journal: %w", err)
	}
	defer f.Close()
	return ms, ms.read(f)
}

func (ms marks) read(r io.Reader) error {
	in := bufio.NewReader(r)
	var rec [recordSize]byte
	for {
		_, err := io.ReadFull(in, rec[:])
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("account: journal: %w", err)
		}
		hold, m, ok := parseRecord(rec[:])
		if !ok {
			return nil
		}
		ms.add(hold, m)
	}
}

// journal is the owner of the file.
type journal struct {
	path  string
	queue chan entry
	stop  chan struct{}
	done  chan struct{}
	err   error // of the last close

	// Everything below belongs to run.
	file  *os.File
	size  int64
	limit int64 // compact at this size
	live  marks
	dirty bool // written and not synced
	buf   []byte
}

// entry is one order to the owner: marks to write where wrote is set, the end of a hold where ended is, else a hold to forget
// or, with open, to know.
type entry struct {
	hold  uint64
	marks []Mark
	wrote chan error
	known bool // refuse marks of a hold that is not known
	open  bool
	ended chan map[uint32]uint32
}

const (
	compactAt    = 16 << 20 // bytes
	syncInterval = 100 * time.Millisecond
)

// newJournal begins an empty journal: all that an old one tells has been settled.
func newJournal(path string) (*journal, error) { return newJournalOf(path, marks{}) }

// newJournalOf begins a journal that tells only what is kept of an old one.
func newJournalOf(path string, kept marks) (*journal, error) {
	f, err := writeNew(path, kept.append(nil))
	if err != nil {
		return nil, fmt.Errorf("account: journal: %w", err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("account: journal: %w", err), f.Close())
	}
	j := &journal{
		path: path, file: f, size: size, limit: compactAt, live: kept,
		queue: make(chan entry, 1024), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go j.run()
	return j, nil
}

// append writes all marks as records.
func (ms marks) append(dst []byte) []byte {
	for hold, at := range ms {
		for choice, position := range at {
			dst = appendRecord(dst, hold, Mark{choice, position})
		}
	}
	return dst
}

// Deliver journals positions and returns when they are in the file: only then may the tokens go to the client.
func (b *Book) Deliver(hold uint64, ms ...Mark) error {
	e := entry{hold: hold, marks: ms, wrote: make(chan error, 1)}
	if !b.journal.send(e) {
		return ErrClosed
	}
	return b.journal.wait(e)
}

// wait returns when an entry's marks are in the file, or why they are not.
func (j *journal) wait(e entry) error {
	select {
	case err := <-e.wrote:
		return err
	case <-j.done:
		select {
		case err := <-e.wrote:
			return err
		default:
			return ErrClosed
		}
	}
}

// send queues an entry; after the end it does nothing.
func (j *journal) send(e entry) bool {
	select {
	case j.queue <- e:
		return true
	case <-j.stop:
		return false
	}
}

func (j *journal) forget(hold uint64) { j.send(entry{hold: hold}) }

// know has marks of a hold taken that must be known.
func (j *journal) know(hold uint64) { j.send(entry{hold: hold, open: true}) }

// end forgets a hold and returns how far it was delivered: no mark of it that must be known is taken afterwards.
func (j *journal) end(hold uint64) (at map[uint32]uint32, ok bool) {
	e := entry{hold: hold, ended: make(chan map[uint32]uint32, 1)}
	if !j.send(e) {
		return nil, false
	}
	select {
	case at = <-e.ended:
		return at, true
	case <-j.done:
		return nil, false
	}
}

func (j *journal) close() error {
	select {
	case <-j.stop:
	default:
		close(j.stop)
	}
	<-j.done
	return j.err
}

func (j *journal) run() {
	defer close(j.done)
	tick := time.NewTicker(syncInterval)
	defer tick.Stop()
	for {
		select {
		case e := <-j.queue:
			j.group(e)
		case <-tick.C:
			j.sync()
		case <-j.stop:
			j.sync()
			j.err = j.file.Close()
			return
		}
	}
}

// group writes what has queued up in one call.
func (j *journal) group(first entry) {
	batch := []entry{first}
	for len(batch) < cap(j.queue) {
		select {
		case e := <-j.queue:
			batch = append(batch, e)
			continue
		default:
		}
		break
	}
	j.buf = j.buf[:0]
	taken := make([]error, len(batch))
	for i, e := range batch {
		taken[i] = j.take(e)
	}
	err := j.flush()
	for i, e := range batch {
		if e.wrote != nil {
			e.wrote <- cmp.Or(taken[i], err)
		}
	}
}

func (j *journal) take(e entry) error {
	at := j.live[e.hold]
	switch {
	case e.open:
		if at == nil {
			j.live[e.hold] = map[uint32]uint32{}
		}
		return nil
	case e.wrote == nil:
		delete(j.live, e.hold)
		if e.ended != nil {
			e.ended <- at
		}
		return nil
	case e.known && at == nil:
		return ErrUnknownRequest
	}
	for _, m := range e.marks {
		j.live.add(e.hold, m)
		j.buf = appendRecord(j.buf, e.hold, m)
	}
	return nil
}

func (j *journal) flush() error {
	if len(j.buf) == 0 {
		return nil
	}
	// At an offset, so that the next write goes over a record that this one leaves torn: it would hide all behind it.
	n, err := j.file.WriteAt(j.buf, j.size)
	if err != nil {
		return fmt.Errorf("%w: journal: %w", ErrUnavailable, err)
	}
	j.size += int64(n)
	j.dirty = true
	if j.size >= j.limit {
		j.limit = max(compactAt, 2*j.compact())
	}
	return nil
}

func (j *journal) sync() {
	if j.dirty && j.file.Sync() == nil {
		j.dirty = false
	}
}

// compact replaces the file by one that holds only the furthest positions of live requests, and returns the size of what
// is in use then: where that fails, the long file is as right as the short one.
func (j *journal) compact() int64 {
	j.buf = j.live.append(j.buf[:0])
	f, err := writeNew(j.path, j.buf)
	if err != nil {
		return j.size
	}
	j.file.Close() // nothing of it is needed any more
	j.file, j.size, j.dirty = f, int64(len(j.buf)), false
	return j.size
}

// writeNew replaces the file at path by one with the given content, or leaves it as it is.
func writeNew(path string, content []byte) (*os.File, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
