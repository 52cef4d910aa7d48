// Package gossip finds the members of a cluster and tells when they come, change, leave and fail.
//
// It is hashicorp/memberlist (SWIM with suspicion) with one cluster's secret, small member descriptions, and the
// timings that were measured not to call a busy machine dead.
//
// # Use
//
// Start binds an address and announces this process; it returns without waiting for anybody. The seeds (addresses
// of other members) are tried at once and again and again for as long as none of them is a member, so that members
// may be started in any order and a restarted seed is found. Join tries them now and says what is wrong, for a
// command that a person waits for. Members is who is here now; Options.Events hears of changes.
//
// A member is one process: its name is node/boot. A restarted node is a new member, and the old one fails in its
// own time.
//
// # Who is let in
//
// Everything is encrypted with a key derived from the cluster's secret and name (HKDF-SHA256), and labelled with
// the name. A stranger's messages are dropped before they are read. Behind that every member's description carries
// a hash of the cluster's name that is checked whenever a member is heard of, so that a proxy or a mistake with
// labels cannot merge two clusters. Refusals are logged once a minute for each cause.
//
// # Failure
//
// Probes go out every 500 ms and wait 400 ms; a member that does not answer is suspected for a time that is long
// enough for it to refute. A killed process is reported Failed after 3.2 to 4.0 s, and a false alarm was not seen
// under starved CPUs. Faster suspicion belongs to the message bus: never evict on gossip alone while a node answers
// there.
//
// # Simulation
//
// LAN is a network in memory that loses packets and separates members on purpose; it runs inside testing/synctest.
//
// # Caveats
//
//   - Events are delivered in order and never dropped. Someone must read the channel until Leave or Close returns.
//   - A member that was cut off has declared the others dead. When it is back, they may be reported Failed, and
//     Joined again as soon as they refute it.
//   - A member that leaves is reported Left when its farewell was heard, else Failed; both mean that it is gone.
//   - A description takes at most 512 bytes. Start and SetMeta refuse a larger one.
//   - All addresses are IP addresses and ports; host names in Options are resolved at the time of use.
package gossip
