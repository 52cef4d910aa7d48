// Package local runs a whole cluster on one machine: each role is a child process of the supervisor, which
// restarts what dies.
//
// # The pipes
//
// A child inherits two pipes. On fd 3 it reports, as JSON lines, where it listens and what it does (Report);
// children bind port 0, so this is how the others learn the address. fd 4 never carries a byte: its end of file
// means that the supervisor is gone, even by kill -9, and the child exits. Each child is the leader of its own
// process group, so that a Ctrl-C at the terminal reaches the supervisor alone, which then stops them in order.
//
// # The data folder
//
//	lock           held by the supervisor while it runs: a second `up` on the same folder is refused
//	roles          held by the children, too: the next `up` waits for those that a killed supervisor has left
//	log, log.1     what the roles write; a new file at 32 MiB, and the one before is kept
//	secret         the cluster's secret, made at the first start (0600)
//	cluster.json   where the running cluster is, for the other commands (0600)
//	coordinator/ router/ …   each role's own state
//
// # Caveats
//
// A role that dies is started again after a growing pause (RestartPause); one that has lived for a minute starts
// with the shortest pause again. A child that restarts gets the address that it had, where others hold it.
package local
