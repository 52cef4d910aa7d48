// Package telemetry is what every role shows of itself: its log, its metrics, whether it is healthy and ready, and
// its profiles.
//
// # Use
//
// Logger makes the role's slog.Logger. NewRegistry makes the role's Prometheus registry; the packages of the role
// register with it, never with Prometheus' global one. Start serves both on an admin address of loopback:
//
//	/metrics       Prometheus text, OpenMetrics where asked for
//	/health        200 while the process runs
//	/ready         200 when Options.Ready returns nil, else 503 and the reason
//	/debug/pprof/  Go's profiles
//
// and, given a Pyroscope URL, uploads CPU and allocation profiles there every 15 seconds.
//
// # Caveats
//
//   - The admin address is for this machine: it shows memory and command lines, and asks for no key. An address that
//     is not loopback is refused. A role that is scraped from elsewhere mounts MetricsHandler on its own server.
//   - A Pyroscope server that cannot be reached costs a log line and the profiles, nothing else. A URL that cannot
//     be one is an error of Start.
//   - Pyroscope shares the CPU profiler with /debug/pprof/profile, which pauses the upload while it runs. Only one
//     Telemetry of a process can upload.
package telemetry
