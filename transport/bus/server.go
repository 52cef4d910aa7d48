package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// DefaultMaxPayload is the largest message in bytes of our server: more than the chunk of any served model.
const DefaultMaxPayload = 8 << 20

// Settings of our server; Auth.ServerConfig gives them to another. A client that does not answer pings for 1.5 s
// is closed, so that requests to it find no responder.
const (
	serverPing       = 500 * time.Millisecond
	serverPingsOut   = 3
	serverMaxPending = 128 << 20
	serverWrite      = 5 * time.Second
	serverStart      = 10 * time.Second
)

// ServerOptions of an embedded server.
type ServerOptions struct {
	// Addr is "host:port"; "" is a free port on loopback, and port 0 a free port.
	Addr string
	// Auth is who is admitted; a server without it is refused.
	Auth Auth
	// MaxPayload in bytes; 0 takes DefaultMaxPayload.
	MaxPayload int
	// Name is shown to clients.
	Name string
	// Logger takes everything the server says; nil logs nothing.
	Logger *slog.Logger
}

// Server is an embedded NATS server.
type Server struct {
	ns   *server.Server
	addr string
}

// StartServer starts a server and returns when it accepts connections. Shutdown ends it.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	opts, err := o.nats()
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("bus: make server: %w", err)
	}
	log := newServerLog(o.Logger)
	ns.SetLoggerV2(log, false, false, false)
	ns.Start()
	s := &Server{ns: ns}
	if err := s.ready(ctx, log.fatal); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return nil, fmt.Errorf("bus: start server on %s: %w", net.JoinHostPort(opts.Host, strconv.Itoa(max(opts.Port, 0))), err)
	}
	s.addr = ns.Addr().String()
	return s, nil
}

// ready waits until the server accepts connections or says why it cannot.
func (s *Server) ready(ctx context.Context, fatal <-chan string) error {
	ctx, cancel := context.WithTimeout(ctx, serverStart)
	defer cancel()
	for !s.ns.ReadyForConnections(20 * time.Millisecond) {
		select {
		case text := <-fatal:
			return errors.New(text)
		case <-ctx.Done():
			return ctx.Err()
		default:
		}
	}
	return nil
}

func (o *ServerOptions) nats() (*server.Options, error) {
	if o.Auth.IsZero() {
		return nil, errors.New("bus: a server needs credentials: make them with Credentials")
	}
	if o.Auth.nkey == nil && (o.Auth.User == "" || o.Auth.Password == "") {
		return nil, errors.New("bus: a server's credentials are a user with a password, or a key")
	}
	host, port, err := splitAddr(o.Addr)
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName:    o.Name,
		Host:          host,
		Port:          port,
		MaxPayload:    int32(o.MaxPayload),
		MaxPending:    serverMaxPending,
		WriteDeadline: serverWrite,
		PingInterval:  serverPing,
		MaxPingsOut:   serverPingsOut,
		NoSigs:        true,
		NoLog:         true,
	}
	if o.MaxPayload == 0 {
		opts.MaxPayload = DefaultMaxPayload
	}
	return opts, o.Auth.admit(opts)
}

// admit makes a the only one that the server lets in.
func (a Auth) admit(opts *server.Options) error {
	if a.nkey == nil {
		opts.Username, opts.Password = a.User, a.Password
		return nil
	}
	key, err := a.PublicKey()
	if err != nil {
		return err
	}
	opts.Nkeys = []*server.NkeyUser{{Nkey: key}}
	return nil
}

func splitAddr(addr string) (string, int, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("bus: server address %q: want host:port: %w", addr, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("bus: server address %q: port: %w", addr, err)
	}
	if port == 0 {
		return host, server.RANDOM_PORT, nil
	}
	return host, int(port), nil
}

// Addr is the bound "host:port".
func (s *Server) Addr() string { return s.addr }

// URL is where a client on this machine connects. For a server bound to every address it names loopback.
func (s *Server) URL() string {
	ap, err := netip.ParseAddrPort(s.addr)
	if err == nil && ap.Addr().IsUnspecified() {
		return "nats://127.0.0.1:" + strconv.Itoa(int(ap.Port()))
	}
	return "nats://" + s.addr
}

// Clients is how many connections are open.
func (s *Server) Clients() int { return s.ns.NumClients() }

// Shutdown closes the listener and the clients' connections and waits for the server's end, or for ctx's.
func (s *Server) Shutdown(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.ns.Shutdown()
		s.ns.WaitForShutdown()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("bus: shut server down: %w", ctx.Err())
	}
}
