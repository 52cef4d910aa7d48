package gossip

import (
	"fmt"

	"github.com/hashicorp/memberlist"
)

// delegate gives memberlist this process's description. The cluster has no other state in gossip.
type delegate struct{ g *Gossip }

func (d delegate) NodeMeta(int) []byte {
	d.g.mu.Lock()
	defer d.g.mu.Unlock()
	return d.g.encoded
}

func (delegate) NotifyMsg([]byte)                {}
func (delegate) GetBroadcasts(int, int) [][]byte { return nil }
func (delegate) LocalState(bool) []byte          { return nil }
func (delegate) MergeRemoteState([]byte, bool)   {}

// events turns memberlist's notices into ours. They come under memberlist's lock and must not block.
type events struct{ g *Gossip }

func (e events) NotifyJoin(n *memberlist.Node)   { e.g.present(n) }
func (e events) NotifyUpdate(n *memberlist.Node) { e.g.present(n) }
func (e events) NotifyLeave(n *memberlist.Node)  { e.g.gone(n.Name) }

// guard refuses members of other clusters. The merge delegate alone lets them in by gossip, the alive delegate
// alone lets their member list in by a join.
type guard struct{ g *Gossip }

func (u guard) NotifyAlive(n *memberlist.Node) error {
	_, err := u.g.read(n)
	return err
}

func (u guard) NotifyMerge(nodes []*memberlist.Node) error {
	for _, n := range nodes {
		if n.State != memberlist.StateAlive && n.State != memberlist.StateSuspect {
			continue
		}
		if _, err := u.g.read(n); err != nil {
			return err
		}
	}
	return nil
}

// read parses a member's description and refuses what is not of this cluster.
func (g *Gossip) read(n *memberlist.Node) (description, error) {
	d, err := parseDescription(n.Meta)
	switch {
	case err != nil:
	case d.cluster != g.cluster:
		err = fmt.Errorf("gossip: %s at %s is a member of another cluster", n.Name, n.Address())
	case memberName(d.node, d.boot) != n.Name:
		err = fmt.Errorf("gossip: %w: %s at %s calls itself %s/%s", errDescription, n.Name, n.Address(), d.node, d.boot)
	}
	return d, err
}
