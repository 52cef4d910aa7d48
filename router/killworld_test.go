package router_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stagecoach-llm/stagecoach/router"
	"github.com/stagecoach-llm/stagecoach/router/account"
	"github.com/stagecoach-llm/stagecoach/router/internal/fake"
	"github.com/stagecoach-llm/stagecoach/transport/bus"
	"github.com/stagecoach-llm/stagecoach/transport/wire"
)

// childRouter, in the environment, is the childOptions of a router that a test kills.
const childRouter = "STAGECOACH_TEST_ROUTER"

type childOptions struct {
	Dir, NATS, Name string
	Remote          bool
}

// TestMain is such a router, where the environment says so.
func TestMain(m *testing.M) {
	if text := os.Getenv(childRouter); text != "" {
		child(text)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func killAuth() bus.Auth {
	auth, err := bus.Credentials([]byte("a secret of the test"), "test")
	if err != nil {
		panic(err)
	}
	return auth
}

// child runs a router until it is killed, and prints its address. It ends with its standard input.
func child(text string) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(0)
	}()
	var c childOptions
	err := json.Unmarshal([]byte(text), &c)
	if err != nil {
		panic(err)
	}
	conn, err := bus.Connect(context.Background(), bus.Options{URL: c.NATS, Auth: killAuth(), Name: c.Name})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(l.Addr().String() + "\n")
	panic(router.Run(context.Background(), router.Options{
		Bus: conn, Subjects: wire.Subjects{Cluster: "test"}, Name: c.Name, Listener: l, DataDir: c.Dir, RemoteLedger: c.Remote, Prices: prices,
		Logger: slog.New(slog.DiscardHandler),
	}))
}

// killWorld is a bus, a fake coordinator, and the folder of a ledger whose routers are killed.
type killWorld struct {
	t       *testing.T
	dir     string
	nats    string
	history history
	free    string // a key without limits
	tight   string // a key with a budget that its streams use up
}

func newKillWorld(t *testing.T) *killWorld {
	t.Helper()
	server := startNATS(t)
	conn := connectNATS(t, server, "coord")
	coord, err := fake.Start(conn, wire.Subjects{Cluster: "test"}, fake.Card(), 500*time.Microsecond, text(strings.Repeat("x", 2000)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		coord.Stop()
		conn.Close()
	})
	return &killWorld{t: t, dir: t.TempDir(), nats: server.URL()}
}

// startNATS starts a server of the real bus.
func startNATS(t *testing.T) *bus.Server {
	t.Helper()
	server, err := bus.StartServer(context.Background(), bus.ServerOptions{Auth: killAuth()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}

func connectNATS(t *testing.T, server *bus.Server, name string) bus.Conn {
	t.Helper()
	conn, err := bus.Connect(context.Background(), bus.Options{URL: server.URL(), Auth: killAuth(), Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// books opens the ledger while no router has it.
func (w *killWorld) books() *account.Book {
	w.t.Helper()
	book, err := account.Open(w.dir, account.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	return book
}

// tightTokens is what the budget of a tight key buys beside the prompts.
const tightTokens = 400

// keys makes the keys of a round.
func (w *killWorld) keys(book *account.Book) {
	w.t.Helper()
	make := func(l account.Limits) string {
		secret, _, err := book.CreateKey(context.Background(), account.NewKey{Name: "k", Limits: l})
		if err != nil {
			w.t.Fatal(err)
		}
		return secret
	}
	if w.free == "" {
		w.free = make(account.Limits{})
	}
	w.tight = make(account.Limits{Budget: prices.Cost(100, tightTokens)})
}

// process is a router that runs.
type process struct {
	w     *killWorld
	cmd   *exec.Cmd
	stdin io.Closer
	url   string
}

func (w *killWorld) start(c childOptions) *process {
	w.t.Helper()
	c.NATS = w.nats
	text, err := json.Marshal(c)
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRouter+"="+string(text))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		w.t.Fatal(err)
	}
	return &process{w, cmd, stdin, strings.TrimSpace(addr)}
}

func (p *process) waitReady() {
	until(func() bool {
		resp, err := http.Get("http://" + p.url + "/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == 200
	})
}

// kill kills with kill -9.
func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err != nil {
		p.w.t.Error(err)
	}
	_ = p.cmd.Wait() // killed
	p.stdin.Close()
}

// history is the positions that the journals of all lives of a ledger had, by hold and choice, in order.
type history map[uint64]map[uint32][]uint32

// keep adds what the journal has now; no router may have it open. Its records: hold u64, choice u32, position u32, crc u32.
func (h history) keep(t *testing.T, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	for ; len(data) >= 20; data = data[20:] {
		hold, choice, position := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint32(data[8:]), binary.LittleEndian.Uint32(data[12:])
		if choice == 1<<32-1 { // says only that the prompt was computed
			continue
		}
		if h[hold] == nil {
			h[hold] = map[uint32][]uint32{}
		}
		all := h[hold][choice]
		if len(all) == 0 || all[len(all)-1] < position {
			h[hold][choice] = append(all, position)
		}
	}
}

// lastTwo are the last position of a choice and the one before it.
func (h history) lastTwo(hold uint64, choice int) (last, before int) {
	all := h[hold][uint32(choice)]
	if n := len(all); n > 0 {
		last = int(all[n-1])
		if n > 1 {
			before = int(all[n-2])
		}
	}
	return last, before
}
