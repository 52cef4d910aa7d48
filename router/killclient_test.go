package router_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// How a recording client ends a request.
const (
	readsAll   = iota
	halfCloses // tells that it goes, and reads what was written until then
	hardCloses // goes without a look at what is on its way
	waits      // asks without a stream
	endings
)

// recording is one request and what was read of its answer: the socket outlives the process that wrote to it.
type recording struct {
	user    string
	key     string
	ending  int
	choices int
	max     int
	leaves  int // after so many tokens

	status  int
	got     []int // tokens of each choice
	usage   int   // completion tokens that the answer tells, -1 for none
	whole   bool  // the answer came to its end
	trouble error // an answer that cannot be
}

func newRecording(user, key string) *recording {
	r := &recording{user: user, key: key, ending: rand.IntN(endings), choices: 1 + rand.IntN(3), max: 1 + rand.IntN(300), usage: -1}
	r.leaves = rand.IntN(r.max)
	r.got = make([]int, r.choices)
	return r
}

// run asks the router at an address and reads until the connection ends. Each token is one x.
func (r *recording) run(addr string) {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return
	}
	defer conn.Close()
	body := fmt.Sprintf(`"stream":%v,"n":%d,"max_tokens":%d,"user":%q`, r.ending != waits, r.choices, r.max, r.user)
	if r.ending != waits {
		body += `,"stream_options":{"include_usage":true}`
	}
	body = chatBody(body)
	if _, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		r.key, len(body), body); err != nil {
		return
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	r.status = resp.StatusCode
	switch {
	case r.status != http.StatusOK:
	case r.ending == waits:
		r.readWhole(resp.Body)
	default:
		r.readStream(resp.Body, conn.(*net.TCPConn))
	}
}

type killChunk struct {
	Choices []struct {
		Index   int
		Delta   struct{ Content string }
		Message struct{ Content string }
	}
	Usage *struct {
		Completion int `json:"completion_tokens"`
	}
	Error *struct{ Message string }
}

func (r *recording) take(c *killChunk) {
	for _, ch := range c.Choices {
		r.got[ch.Index] += len(ch.Delta.Content) + len(ch.Message.Content)
	}
	if c.Usage != nil {
		r.usage = c.Usage.Completion
	}
}

func (r *recording) readWhole(body io.Reader) {
	data, err := io.ReadAll(body)
	var c killChunk
	if err == nil && json.Unmarshal(data, &c) == nil {
		r.take(&c)
		r.whole = true
	}
}

func (r *recording) readStream(body io.Reader, conn *net.TCPConn) {
	in := bufio.NewReader(body)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			r.whole = r.usage >= 0
			return
		}
		var c killChunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			r.trouble = fmt.Errorf("%q: %w", data, err)
			return
		}
		r.take(&c)
		if r.total() > r.leaves {
			switch r.ending {
			case halfCloses:
				_ = conn.CloseWrite() // the router may have been killed
			case hardCloses:
				return
			}
		}
	}
}

func (r *recording) total() (n int) {
	for _, got := range r.got {
		n += got
	}
	return n
}
