package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// File descriptors that a child inherits.
const (
	reportFD   = 3
	lifelineFD = 4
	// The lock on the data folder's roles is the one after these. The child only has it open.
)

// Report is one line of a child on its report pipe.
type Report struct {
	Ready       bool   `json:"ready,omitempty"`
	NATS        string `json:"nats,omitempty"`         // URL
	Seed        string `json:"seed,omitempty"`         // the coordinator's gossip address, host:port
	HTTP        string `json:"http,omitempty"`         // host:port of the public endpoint
	TLSCert     string `json:"tls_cert,omitempty"`     // PEM file of the endpoint's certificate, "" for plain HTTP
	RouterAdmin string `json:"router_admin,omitempty"` // URL of the router's admin API
	Text        string `json:"text,omitempty"`         // progress for people
}

// child is one running process of a role. Its fields are set before it is shared.
type child struct {
	name    string
	cmd     *exec.Cmd
	started time.Time
	exited  chan struct{} // closed when the process is gone and its pipes are read to the end
	err     error         // exit status, after exited
	tail    *tailWriter
	// lifeline is the write end of the pipe whose end of file tells the child that the supervisor is gone.
	lifeline *os.File
}

// start runs the program again in a role's clothes. onReport is called for each line of the child's report pipe,
// on a goroutine that ends with the child. The child has held open until its end.
func start(name string, args []string, held *os.File, logTo io.Writer, onReport func(Report)) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("local: find own program: %w", err)
	}
	reportR, reportW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("local: pipe: %w", err)
	}
	lifeR, lifeW, err := os.Pipe()
	if err != nil {
		reportR.Close()
		reportW.Close()
		return nil, fmt.Errorf("local: pipe: %w", err)
	}
	c := &child{name: name, started: time.Now(), exited: make(chan struct{}), tail: &tailWriter{to: logTo}, lifeline: lifeW}
	c.cmd = exec.Command(self, args...)
	c.cmd.Stdout, c.cmd.Stderr = c.tail, c.tail
	c.cmd.ExtraFiles = []*os.File{reportW, lifeR, held}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = c.cmd.Start()
	reportW.Close()
	lifeR.Close()
	if err != nil {
		reportR.Close()
		lifeW.Close()
		return nil, fmt.Errorf("local: start %s: %w", name, err)
	}
	go c.wait(reportR, onReport)
	return c, nil
}

func (c *child) wait(reports *os.File, onReport func(Report)) {
	var wg sync.WaitGroup
	wg.Go(func() {
		lines := bufio.NewScanner(reports)
		for lines.Scan() {
			var r Report
			if json.Unmarshal(lines.Bytes(), &r) == nil {
				onReport(r)
			}
		}
	})
	c.err = c.cmd.Wait()
	// A grandchild cannot hold the pipe open: reading ends with the child.
	reports.SetReadDeadline(time.Now().Add(time.Second))
	wg.Wait()
	reports.Close()
	c.lifeline.Close()
	close(c.exited)
}

// stop asks the child to end, and kills it when ctx is over.
func (c *child) stop(ctx context.Context) {
	c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.exited:
	case <-ctx.Done():
		c.cmd.Process.Kill()
		<-c.exited
	}
}

// why says how the child ended, with the last line that it wrote.
func (c *child) why() string {
	reason := "exit status 0"
	if c.err != nil {
		reason = c.err.Error()
	}
	if line := c.tail.last(); line != "" {
		reason += ": " + line
	}
	return reason
}

// tailWriter passes a child's output on and remembers its last line. What cannot be written is lost: were it an error,
// nobody would read the child's output any more, and a full disk would end the cluster by SIGPIPE.
type tailWriter struct {
	mu   sync.Mutex
	to   io.Writer
	line string
}

func (t *tailWriter) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := strings.TrimSpace(string(b)); s != "" {
		t.line = s[strings.LastIndexByte(s, '\n')+1:]
	}
	t.to.Write(b)
	return len(b), nil
}

func (t *tailWriter) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.line
}

// orphaned is how long a child may take to end in order when its supervisor is gone. It is short, since the others end
// at the same moment, and whoever starts the cluster again waits for it.
const orphaned = time.Second

// Parent is a child's view of the supervisor.
type Parent struct {
	mu     sync.Mutex
	report *os.File // nil when this process was started by hand
}

// Inherited finds the supervisor's pipes where flag says that they are there, and ends ctx when it goes away. From then
// on there is nobody to log to, which must not keep the process from ending in order.
func Inherited(ctx context.Context, supervised bool) (context.Context, *Parent) {
	if !supervised {
		return ctx, &Parent{}
	}
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancelCause(ctx)
	life := os.NewFile(lifelineFD, "lifeline")
	go func() {
		io.Copy(io.Discard, life)
		cancel(errors.New("local: the supervisor is gone"))
		// What does not end by itself must not outlive the supervisor either.
		time.AfterFunc(orphaned, func() { os.Exit(1) })
	}()
	return ctx, &Parent{report: os.NewFile(reportFD, "report")}
}

// Report sends a line to the supervisor. Without one it does nothing.
func (p *Parent) Report(r Report) {
	if p.report == nil {
		return
	}
	b, err := json.Marshal(r)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Write(append(b, '\n'))
}
