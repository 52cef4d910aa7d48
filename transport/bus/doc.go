// Package bus carries messages between the roles of a cluster: a connection to NATS, a NATS server to embed, and
// an in-memory network that misbehaves on purpose.
//
// # Promise
//
// Conn (conn.go) is the contract. A message is delivered at most once, and in order for one sender and subject.
// Nothing is buffered while the connection is down: a message that arrives late is worse than one that does not
// arrive, because the protocol above resends what is missing and fences what is stale.
//
// # Connect
//
// Connect waits for a server until its context ends, so roles may be started in any order; wrong credentials end
// the wait at once. A lost connection comes back by itself, for as long as it takes. After it is back, Publish
// answers ErrDisconnected until a round trip has shown that the server has this side's subscriptions again; only
// then is Reconnected called. Whether the other side is back is for the protocol above to find out.
//
// A request fails with ErrNoResponders when nobody is subscribed (in well under a millisecond), with
// ErrDisconnected when the connection goes down while it waits, and otherwise when its context ends, or after
// RequestTimeout where the context has no deadline.
//
// # Server
//
// StartServer embeds a NATS server: it binds loopback unless told, always asks for credentials, takes messages of
// 8 MiB, and logs to slog only. An external nats-server does as well: Auth.ServerConfig is the part of its
// configuration that admits a cluster.
//
// # Credentials
//
// Credentials derives one nkey (Ed25519) per cluster from the cluster's secret. The client signs a nonce, so the
// secret is never sent, and a server needs only the public half. Everybody who has the secret may publish and
// subscribe to everything in the cluster.
//
// # Simulation
//
// Net (mem.go) has the same contract without a server. Its faults (drops, delays, reordering, duplicates, cut
// connections) follow from a seed and from the message's place in its stream, not from the scheduling of
// goroutines, and its only clock is package time's, so it runs inside testing/synctest.
//
// # Caveats
//
//   - A subscriber that blocks loses messages beyond its pending limits; Events.Dropped tells. The protocol above
//     must treat that as a gap.
//   - Close waits for running callbacks: do not call it from one.
//   - Messages are not encrypted on the network. Where that matters give a tls:// URL of an external server, or a
//     private network.
package bus
