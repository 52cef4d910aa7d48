package gossip

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/hashicorp/memberlist"
)

// A member's description travels in memberlist's metadata:
//
//	u8   form, 1
//	u8   role
//	u8   flags: 1 leaving; a reader ignores the others
//	u64  first bytes of SHA-256 of the cluster's name, little-endian
//	text node, text boot, text http        each a length byte and that many bytes
//	u8   number of NATS URLs, then as many texts
//
// Bytes after that are for later fields: a reader ignores them.
type description struct {
	Meta
	node    string
	boot    string
	cluster uint64
	leaving bool
}

const (
	descriptionForm = 1
	flagLeaving     = 1
)

var errDescription = errors.New("malformed member description")

// clusterHash stands for a cluster's name.
func clusterHash(cluster string) uint64 {
	sum := sha256.Sum256([]byte(cluster))
	return binary.LittleEndian.Uint64(sum[:])
}

// encode writes d, in at most memberlist's 512 bytes.
func (d *description) encode() ([]byte, error) {
	if len(d.NATS) > 255 {
		return nil, fmt.Errorf("gossip: describe %s: %d NATS URLs, at most 255", d.node, len(d.NATS))
	}
	b := []byte{descriptionForm, byte(d.Role), 0}
	if d.leaving {
		b[2] |= flagLeaving
	}
	b = binary.LittleEndian.AppendUint64(b, d.cluster)
	var err error
	for _, s := range []string{d.node, d.boot, d.HTTP} {
		b, err = appendText(b, s, err)
	}
	b = append(b, byte(len(d.NATS)))
	for _, s := range d.NATS {
		b, err = appendText(b, s, err)
	}
	if err == nil && len(b) > memberlist.MetaMaxSize {
		err = fmt.Errorf("%d bytes, at most %d: shorten names or URLs", len(b), memberlist.MetaMaxSize)
	}
	if err != nil {
		return nil, fmt.Errorf("gossip: describe %s: %w", d.node, err)
	}
	return b, nil
}

func appendText(b []byte, s string, err error) ([]byte, error) {
	if err != nil || len(s) > 255 {
		return b, errors.Join(err, fmt.Errorf("%.40q has %d bytes, at most 255", s, len(s)))
	}
	return append(append(b, byte(len(s))), s...), nil
}

// parseDescription reads what encode wrote.
func parseDescription(b []byte) (description, error) {
	const fixed = 3 + 8
	if len(b) < fixed {
		return description{}, fmt.Errorf("gossip: %w: %d bytes", errDescription, len(b))
	}
	if b[0] != descriptionForm {
		return description{}, fmt.Errorf("gossip: %w: form %d, want %d", errDescription, b[0], descriptionForm)
	}
	d := description{cluster: binary.LittleEndian.Uint64(b[3:]), leaving: b[2]&flagLeaving != 0}
	d.Role = Role(b[1])
	t := texts{b: b[fixed:]}
	d.node, d.boot, d.HTTP = t.next(), t.next(), t.next()
	for range t.byte() {
		d.NATS = append(d.NATS, t.next())
	}
	if t.short {
		return description{}, fmt.Errorf("gossip: %w: it ends early", errDescription)
	}
	return d, nil
}

// texts reads length-prefixed strings; short tells that the input ended before them.
type texts struct {
	b     []byte
	short bool
}

func (t *texts) byte() int {
	if len(t.b) == 0 {
		t.short = true
		return 0
	}
	n := int(t.b[0])
	t.b = t.b[1:]
	return n
}

func (t *texts) next() string {
	n := t.byte()
	if n > len(t.b) {
		t.short, t.b = true, nil
		return ""
	}
	s := string(t.b[:n])
	t.b = t.b[n:]
	return s
}
