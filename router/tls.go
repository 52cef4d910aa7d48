package router

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a TLS certificate in two PEM files, which is read again when they change, so that a renewal needs no restart. A
// pair that cannot be read, as while it is being replaced, leaves the one before in use.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex // held while the files are read: handshakes of that moment wait for it
	looked  time.Time
	stamps  [2]stamp
	current *tls.Certificate
}

// stamp tells a file from the one that replaces it.
type stamp struct {
	size     int64
	modified time.Time
}

// lookEvery is how long a certificate is used without a look at its files.
const lookEvery = time.Second

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.load(); err != nil {
		return nil, fmt.Errorf("router: TLS: %w", err)
	}
	return c, nil
}

// load reads the pair. The stamps are those from before: a change in between is seen at the next look.
func (c *certificate) load() error {
	stamps, err := c.stat()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("%s, %s: %w", c.certFile, c.keyFile, err)
	}
	c.current, c.stamps = &pair, stamps
	return nil
}

func (c *certificate) stat() (stamps [2]stamp, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return stamps, err
		}
		stamps[i] = stamp{info.Size(), info.ModTime()}
	}
	return stamps, nil
}

// get is for tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= lookEvery {
		c.looked = now
		c.renew()
	}
	return c.current, nil
}

func (c *certificate) renew() {
	stamps, err := c.stat()
	if err == nil && stamps == c.stamps {
		return
	}
	if err == nil {
		err = c.load()
	}
	if err != nil {
		c.log.Warn("the TLS certificate cannot be read again; the one before stays in use", "error", err)
		return
	}
	c.log.Info("the TLS certificate was read again", "file", c.certFile, "expires", c.current.Leaf.NotAfter)
}

// config of the endpoint: TLS 1.2 and later, HTTP/2 and HTTP/1.1.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}
}
