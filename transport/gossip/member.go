package gossip

import "fmt"

// Role is what a member does.
type Role uint8

// Roles. Their numbers are on the wire.
const (
	RoleCoordinator Role = 1
	RoleShard       Role = 2
	RoleRouter      Role = 3
	RoleNATS        Role = 4
)

// String names the role as the command line does.
func (r Role) String() string {
	switch r {
	case RoleCoordinator:
		return "coordinator"
	case RoleShard:
		return "shard"
	case RoleRouter:
		return "router"
	case RoleNATS:
		return "nats"
	}
	return fmt.Sprintf("role %d", uint8(r))
}

// Meta is what a member tells about itself.
type Meta struct {
	Role Role
	NATS []string // URLs of the message bus, as others reach it; of those who know it
	HTTP string   // base URL or "host:port" of what the member serves, "" for nothing
}

// Member is a process of the cluster.
type Member struct {
	Meta
	Node string
	Boot string // random per process start
	Addr string // "ip:port" of its gossip
}

// Name is the member's unique name.
func (m Member) Name() string { return memberName(m.Node, m.Boot) }

func memberName(node, boot string) string { return node + "/" + boot }

// Change is what happened to a member.
type Change uint8

// Changes.
const (
	Joined  Change = iota + 1 // also when a member that failed is back
	Updated                   // its Meta changed
	Left                      // it said that it goes
	Failed                    // it stopped answering
)

// String names the change.
func (c Change) String() string {
	switch c {
	case Joined:
		return "joined"
	case Updated:
		return "updated"
	case Left:
		return "left"
	case Failed:
		return "failed"
	}
	return fmt.Sprintf("change %d", uint8(c))
}

// Event tells of a change of another member; this process hears nothing of itself.
type Event struct {
	Change Change
	Member Member
}
